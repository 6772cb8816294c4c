/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TLS_PEER_H
#define TESTS_TLS_PEER_H

/* OpenSSL on a blocking socket, as the other end. */

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "peer.h"

/* A client of what l serves; before the handshake. */
static inline SSL *tls_call(const ws_listener *l, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);

    SSL_set_fd(ssl, call(l));
    return ssl;
}

static inline void tls_hang_up(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
    ERR_clear_error();
}

/* All of it, or as much as comes; the text ends with NUL. */
static inline int tls_hear(SSL *ssl, char *buf, int size)
{
    int n = 0, r = 1;

    while (n < size - 1 && (r = SSL_read(ssl, buf + n, size - 1 - n)) > 0)
        n += r;
    buf[n] = '\0';
    return n;
}

static inline void tls_say(SSL *ssl, const char *text)
{
    assert_int_equal(SSL_write(ssl, text, (int)strlen(text)),
                     (int)strlen(text));
}

#endif
