/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_CONNECT_H
#define WS_IO_CONNECT_H

#include <stdint.h>

#include <silverback/fiber.h>

/*
 * Connect a stream socket to a host's addresses (io/resolve, io/eyeballs), or to
 * a path, by the deadline (0: never); cancel may be NULL.
 *
 * Returns the descriptor, non-blocking, or a negative code: *err says what the
 * resolver did, and ws__connect_error the rest.
 */
int ws__connect_host(const char *host, const char *port, int64_t deadline,
                     ws_event *cancel, ws_error *err);

/* Connect to the local socket at path by the deadline, for as long as its queue
 * is full.  Returns the descriptor, non-blocking, or a negative code. */
int ws__connect_path(const char *path, int64_t deadline, ws_event *cancel);

/* The words for a code that connecting to host returned. */
const char *ws__connect_error(const char *host, int code);

#endif
