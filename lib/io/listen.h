/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_LISTEN_H
#define WS_IO_LISTEN_H

#include <silverback/base.h>

/*
 * Listen on "host:port", ":port" (every address, IPv6 and IPv4), "[::1]:port" or
 * "unix:path".  A stale socket file that nobody listens on is replaced.
 * Returns a non-blocking descriptor, or a negative code, and *err says why.
 */
int ws__listen(const char *addr, ws_error *err);

#endif
