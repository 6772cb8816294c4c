/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_RESOLVE_H
#define WS_IO_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/base.h>
#include <silverback/fiber.h>

/*
 * The addresses of a host, by getaddrinfo on a helper thread, which is left to
 * itself when the deadline passes or cancel (may be NULL) is set first.  Who asks
 * for what is being looked up waits for that answer.
 *
 * Returns 0, and *list is for ws__resolve_free; WS_ERR_RESOLVE, with the
 * resolver's own words in *err; WS_ERR_TIMEOUT, WS_ERR_CANCELED or -ENOMEM; then
 * *list is NULL.  Addresses in numbers need no thread.
 */
int ws__resolve(const char *host, const char *port, int64_t deadline,
                ws_event *cancel, struct addrinfo **list, ws_error *err);
void ws__resolve_free(struct addrinfo *list);

/* "localhost" is this machine, whatever a resolver would say (RFC 6761, section
 * 6.3): getaddrinfo says so of NULL. */
bool ws__is_localhost(const char *host);

#endif
