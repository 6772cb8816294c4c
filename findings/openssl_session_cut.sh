#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a session that the new-session callback was handed, and keeps, can be
#   gone on with, however its connection ends.
# Seen: SSL_free of a connection without a close_notify either way makes that
#   very object not resumable, and the next handshake is a full one. A copy by
#   SSL_SESSION_dup stays as it was.
# With: OpenSSL 3.0.22 (Debian's libssl-dev 3.0.22-1~deb12u2), TLS 1.3; 28
#   November 2026.

. "$(dirname "$0")/common.sh"
needs cc
debian libssl-dev 3.0.22-1~deb12u2
cat >session.c <<'END'
#include "tls_server.h"
#include <stdbool.h>
#include <stdio.h>

static bool copies;
static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = copies ? SSL_SESSION_dup(session) : session;
    return !copies;
}

static SSL_CTX *client_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep);
    return ctx;
}

/* Whether the connection went on with the session offered. */
static bool connection(SSL_CTX *of_server, SSL_CTX *of_client,
                       SSL_SESSION *offered, bool says_its_end)
{
    SSL *server = SSL_new(of_server), *client = SSL_new(of_client);
    BIO *a, *b;
    char c;

    BIO_new_bio_pair(&a, 1 << 16, &b, 1 << 16);
    SSL_set_bio(server, a, a);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (offered)
        SSL_set_session(client, offered);
    for (int i = 0; i < 10; i++)
        SSL_do_handshake(i % 2 ? server : client);
    SSL_read(client, &c, 1);
    bool reused = SSL_session_reused(client);
    if (says_its_end)
        SSL_shutdown(client);
    SSL_free(client);
    SSL_free(server);
    return reused;
}

static void show(const char *name, bool copy, bool says_its_end)
{
    SSL_CTX *server = server_context(), *client = client_context();

    copies = copy;
    connection(server, client, NULL, says_its_end);
    SSL_SESSION *session = kept;
    kept = NULL;
    int resumable = SSL_SESSION_is_resumable(session);
    bool reused = connection(server, client, session, true);
    printf("%s: resumable %d, reused %d\n", name, resumable, reused);
}

int main(void)
{
    show("close_notify", false, true);
    show("none", false, false);
    show("none, a copy", true, false);
}
END
cc -I"$here" session.c -o session -lssl -lcrypto || exit 77
./session >seen
expect <<'END'
close_notify: resumable 1, reused 1
none: resumable 0, reused 0
none, a copy: resumable 1, reused 1
END
