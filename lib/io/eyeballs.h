/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_EYEBALLS_H
#define WS_IO_EYEBALLS_H

#include <netdb.h>
#include <stdint.h>

#include <silverback/fiber.h>

/*
 * Connect a stream socket to one of a host's addresses, so that a silent one
 * costs little (RFC 8305, "happy eyeballs"): the two families in turn, a new
 * attempt when the last has failed or is 250 ms old, and the first that comes
 * about counts.  cancel may be NULL.
 *
 * Returns the descriptor, non-blocking and with TCP_NODELAY; WS_ERR_TIMEOUT at
 * the deadline (0: never), WS_ERR_CANCELED, or why the first attempt failed.
 */
int ws__connect_any(const struct addrinfo *list, int64_t deadline,
                    ws_event *cancel);

#endif
