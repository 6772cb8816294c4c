/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_URL_H
#define WS_PROTO_URL_H

#include <silverback/base.h>

/* A ws or wss URL (RFC 6455, section 3).  Its strings end with NUL, in one
 * piece of memory. */
struct ws__url {
    bool tls;
    char *host;      /* for the resolver: an IPv6 address without brackets */
    char *port;      /* "80" or "443" unless given */
    char *host_port; /* for the Host field: brackets, and no default port */
    char *target;    /* path and query, at least "/" */
    char *memory;
};

/* Returns 0; WS_ERR_URL with a text that says what was expected and what came;
 * or -ENOMEM.  Userinfo, a fragment, white space and control bytes are
 * refused. */
int ws__url_parse(struct ws__url *u, const char *s, ws_error *err);
void ws__url_fini(struct ws__url *u);

#endif
