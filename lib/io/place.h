/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_PLACE_H
#define WS_IO_PLACE_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <silverback/base.h>

/* Where to listen, or what to connect to. */
struct ws__place {
    char host[NI_MAXHOST]; /* without brackets; "": none was given */
    char port[8];          /* a number */
    struct sockaddr_un un; /* AF_UNIX: this, and no host and port */
};

/* Take apart "host:port", ":port", "[::1]:port" or "unix:path".  Returns 0; or
 * WS_ERR_INVALID, and *err says what was wanted: "listen on", say. */
int ws__place_parse(struct ws__place *p, const char *addr, const char *what,
                    ws_error *err);

/* A path; or "@" and a name in Linux's abstract namespace, for which no file
 * stands.  Returns false if it is empty, or too long for the system. */
bool ws__place_unix(struct sockaddr_un *un, const char *path);

/* The size that goes with it in system calls. */
socklen_t ws__place_unix_len(const struct sockaddr_un *un);

#endif
