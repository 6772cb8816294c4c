/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_URL_H
#define WS_PROTO_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback/base.h>

/* A ws or wss URL (RFC 6455, section 3), or a proxy's.  Its strings end with
 * NUL, in one piece of memory. */
struct ws__url {
    bool tls;   /* wss, https */
    bool socks; /* socks5, socks5h */
    char *name; /* the host for others: an IPv6 address without brackets */
    char *host; /* the same for the resolver: with a zone, "fe80::1%eth0" */
    char *port; /* the scheme's unless given; no leading zero */
    char *host_port; /* for the Host field: brackets, and no default port */
    char *authority; /* for CONNECT: brackets, and always a port */
    char *target;    /* path and query, escaped, at least "/" */
    char *path; /* of a local socket, decoded; NULL: host and port; then host is
                 * "localhost", and port "" */
    char *credentials; /* "user:password", decoded; NULL: none */
    size_t user_len;
    char *memory;
};

/* Returns 0; WS_ERR_URL with a text that says what was expected and what came,
 * but no credentials; or -ENOMEM.
 *
 * Before the path stands what RFC 3986 has there and nothing else: browsers make
 * something of the rest, and of a host with escapes, each its own.  In path and
 * query what it has not is escaped, byte by byte, but a "%" that begins no
 * escape, a fragment and control bytes are refused, the latter in the
 * credentials also when they are escaped.  A zone (RFC 6874) stays here: what
 * is told to others is without (section 3).
 *
 * "ws+unix:PATH:/target" and "wss+unix:PATH:/target" name a local socket. */
int ws__url_parse(struct ws__url *u, const char *s, ws_error *err);

/* ws__url_parse for a proxy's: http, https, socks5 or socks5h; http if there is
 * no scheme. */
int ws__url_parse_proxy(struct ws__url *u, const char *s, ws_error *err);

/* ws__url_parse for one server of Redis (redis/url): redis, or sentinel, which is
 * one with another port. */
int ws__url_parse_redis(struct ws__url *u, const char *s, ws_error *err);

void ws__url_fini(struct ws__url *u);

#endif
