/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_LISTEN_H
#define WS_IO_LISTEN_H

#include <silverback/base.h>

#include "io/unix_file.h"

/*
 * Listen on "host:port", ":port" (every address, IPv6 and IPv4), "[::1]:port" or
 * "unix:path" ("unix:@name": an abstract one).  A stale socket file that nobody
 * listens on is replaced; file (NULL: as usual) says how it is to be, and knows
 * then what was made.  Returns a non-blocking descriptor, or a negative code, and
 * *err says why.
 */
int ws__listen(const char *addr, struct ws__unix_file *file, ws_error *err);

#endif
