/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_URL_H
#define WS_PROTO_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback/base.h>

/* A ws or wss URL (RFC 6455, section 3), or a proxy's.  Its strings end with
 * NUL, in one piece of memory. */
struct ws__url {
    bool tls;          /* wss, https */
    bool socks;        /* socks5, socks5h */
    char *host;        /* for the resolver: an IPv6 address without brackets */
    char *port;        /* the scheme's unless given */
    char *host_port;   /* for the Host field: brackets, and no default port */
    char *authority;   /* for CONNECT: brackets, and always a port */
    char *target;      /* path and query, at least "/" */
    char *credentials; /* "user:password", decoded; NULL: none */
    size_t user_len;
    char *memory;
};

/* Returns 0; WS_ERR_URL with a text that says what was expected and what came,
 * but no credentials; or -ENOMEM.  A fragment, white space and control bytes are
 * refused, in the credentials also when they are escaped. */
int ws__url_parse(struct ws__url *u, const char *s, ws_error *err);

/* The same for http, https, socks5 or socks5h; http if there is no scheme. */
int ws__url_parse_proxy(struct ws__url *u, const char *s, ws_error *err);

void ws__url_fini(struct ws__url *u);

#endif
