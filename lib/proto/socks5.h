/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_SOCKS5_H
#define WS_PROTO_SOCKS5_H

#include <stddef.h>
#include <stdint.h>

#include <silverback/base.h>

/* The longest thing a client says: user and password. */
#define WS__SOCKS5_OUT_MAX (3 + 255 + 255)

/*
 * A client of a SOCKS5 proxy (RFC 1928, with RFC 1929) that asks for one
 * connection.  The two ends take turns: say what is in out, then hand what
 * comes to ws__socks5_take, until out_len is 0.  Its strings must stay.
 */
struct ws__socks5 {
    const char *host; /* resolved by the proxy if it is a name */
    unsigned port;
    const char *user; /* NULL: none */
    size_t user_len;
    const char *password;

    uint8_t out[WS__SOCKS5_OUT_MAX];
    size_t out_len;
    int turn;
};

/*
 * Begin.  credentials are "user:password" and the user's length, or NULL.
 * Returns 0, or WS_ERR_PROXY, and *err says so, for what has no room in the
 * protocol: a host, user or password of over 255 bytes, or an empty user.
 */
int ws__socks5_begin(struct ws__socks5 *s, const char *host, unsigned port,
                     const char *credentials, size_t user_len, ws_error *err);

/*
 * Take what the proxy has said in this turn, all of it at every call.
 *
 * Returns how many bytes that was (> 0), with out ready; 0 if more is to come;
 * or WS_ERR_PROXY for a refusal or what is not SOCKS5, and *err says which.
 */
int ws__socks5_take(struct ws__socks5 *s, const uint8_t *p, size_t n,
                    ws_error *err);

#endif
