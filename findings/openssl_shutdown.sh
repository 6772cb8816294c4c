#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: SSL_shutdown that returns 0 has sent its close_notify, and a call
#   that found no room says -1.
# Seen: over a BIO that says by BIO_set_retry_write that there is no room the
#   first call gives -1, each later one 0, though the peer has got nothing;
#   SSL_want_write tells.
# With: OpenSSL 3.0.22 (Debian's libssl-dev 3.0.22-1~deb12u2); 28 November
#   2026.

. "$(dirname "$0")/common.sh"
needs cc
debian libssl-dev 3.0.22-1~deb12u2
cat >shutdown.c <<'END'
#include "tls_server.h"
#include <stdbool.h>
#include <stdio.h>

static int room = 1;

static int put(BIO *b, const char *data, size_t n, size_t *done)
{
    BIO_clear_retry_flags(b);
    if (room)
        return BIO_write_ex(BIO_get_data(b), data, n, done);
    BIO_set_retry_write(b);
    return 0;
}

static int get(BIO *b, char *data, size_t n, size_t *done)
{
    BIO_clear_retry_flags(b);
    if (BIO_read_ex(BIO_get_data(b), data, n, done))
        return 1;
    BIO_set_retry_read(b);
    return 0;
}

static long control(BIO *b, int command, long n, void *p)
{
    (void)b, (void)n, (void)p;
    return command == BIO_CTRL_FLUSH;
}

static BIO *with_room(BIO *below)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                                 "with room");

    BIO_meth_set_write_ex(m, put);
    BIO_meth_set_read_ex(m, get);
    BIO_meth_set_ctrl(m, control);
    BIO *b = BIO_new(m);
    BIO_set_data(b, below);
    BIO_set_init(b, 1);
    return b;
}

static void show(SSL *server, SSL *client)
{
    char c;
    int r = SSL_shutdown(server);

    printf("SSL_shutdown %d, SSL_want_write %d, ", r, SSL_want_write(server));
    r = SSL_read(client, &c, 1);
    bool got = SSL_get_error(client, r) == SSL_ERROR_ZERO_RETURN;
    printf("the peer got %s\n", got ? "it" : "nothing");
}

int main(void)
{
    SSL *server = SSL_new(server_context());
    SSL *client = SSL_new(SSL_CTX_new(TLS_client_method()));
    BIO *a, *b;

    BIO_new_bio_pair(&a, 1 << 16, &b, 1 << 16);
    BIO *top = with_room(a);
    SSL_set_bio(server, top, top);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int i = 0; i < 10; i++)
        SSL_do_handshake(i % 2 ? server : client);
    room = 0;
    for (int i = 0; i < 3; i++)
        show(server, client);
    room = 1;
    show(server, client);
}
END
cc -I"$here" shutdown.c -o shutdown -lssl -lcrypto || exit 77
./shutdown >seen
expect <<'END'
SSL_shutdown -1, SSL_want_write 1, the peer got nothing
SSL_shutdown 0, SSL_want_write 1, the peer got nothing
SSL_shutdown 0, SSL_want_write 1, the peer got nothing
SSL_shutdown 0, SSL_want_write 0, the peer got it
END
