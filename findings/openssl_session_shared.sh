#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a session that is resumable, offered by one connection after the
#   other, is gone on with by each: the server takes its ticket again and
#   again, and nobody else has the object in a cache.
# Seen: with TLS 1.3, and SSL_SESS_CACHE_CLIENT, which the new-session
#   callback needs, the end of the first handshake that goes on with it makes
#   the object not resumable, SSL_SESS_CACHE_NO_INTERNAL or not. Of 16 that
#   offer it one after the other one goes on, and 15 shake hands in full,
#   though SSL_set_session says 1 each time. If all have sent their hello
#   before, all go on; and so they do with a copy each, by SSL_SESSION_dup,
#   without the flag, or with TLS 1.2.
# With: OpenSSL 3.0.22 (Debian's libssl-dev 3.0.22-1~deb12u2); 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs cc
debian libssl-dev 3.0.22-1~deb12u2
cat >session.c <<'END'
#include "tls_server.h"
#include <stdbool.h>
#include <stdio.h>

enum { CONNECTIONS = 16 };

struct connection {
    SSL *server, *client;
};

static SSL_CTX *client_context(int version, int cache)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_session_cache_mode(ctx, cache);
    return ctx;
}

static struct connection begin(SSL_CTX *of_server, SSL_CTX *of_client)
{
    struct connection c = { SSL_new(of_server), SSL_new(of_client) };
    BIO *a, *b;

    BIO_new_bio_pair(&a, 1 << 16, &b, 1 << 16);
    SSL_set_bio(c.server, a, a);
    SSL_set_bio(c.client, b, b);
    SSL_set_accept_state(c.server);
    SSL_set_connect_state(c.client);
    return c;
}

static void shake_hands(struct connection *c)
{
    char byte;

    for (int i = 0; i < 10; i++)
        SSL_do_handshake(i % 2 ? c->server : c->client);
    SSL_read(c->client, &byte, 1); /* the tickets */
}

static void end(struct connection *c)
{
    SSL_shutdown(c->client);
    SSL_shutdown(c->server);
    SSL_free(c->client);
    SSL_free(c->server);
}

static SSL_SESSION *session_of_one(SSL_CTX *of_server, SSL_CTX *of_client)
{
    struct connection c = begin(of_server, of_client);

    shake_hands(&c);
    SSL_SESSION *session = SSL_get1_session(c.client);
    end(&c);
    return session;
}

static void show(const char *name, int version, int cache, bool copies,
                 bool at_once)
{
    SSL_CTX *server = server_context();
    SSL_CTX *client = client_context(version, cache);
    SSL_SESSION *session = session_of_one(server, client);
    struct connection c[CONNECTIONS];
    int set = 0, reused = 0;

    for (int i = 0; i < CONNECTIONS; i++) {
        c[i] = begin(server, client);
        set += SSL_set_session(c[i].client,
                               copies ? SSL_SESSION_dup(session) : session);
        SSL_do_handshake(c[i].client);
        if (!at_once)
            shake_hands(&c[i]);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        if (at_once)
            shake_hands(&c[i]);
        reused += SSL_session_reused(c[i].client);
        end(&c[i]);
    }
    printf("%s: set %d, reused %d, resumable afterwards %d\n", name, set,
           reused, SSL_SESSION_is_resumable(session));
}

int main(void)
{
    enum { KEEPING = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL };

    show("one after the other", TLS1_3_VERSION, KEEPING, false, false);
    show("all at once", TLS1_3_VERSION, KEEPING, false, true);
    show("a copy each", TLS1_3_VERSION, KEEPING, true, false);
    show("no SSL_SESS_CACHE_CLIENT", TLS1_3_VERSION, SSL_SESS_CACHE_OFF, false,
         false);
    show("TLS 1.2", TLS1_2_VERSION, KEEPING, false, false);
}
END
cc -I"$here" session.c -o session -lssl -lcrypto || exit 77
./session >seen
expect <<'END'
one after the other: set 16, reused 1, resumable afterwards 0
all at once: set 16, reused 16, resumable afterwards 0
a copy each: set 16, reused 16, resumable afterwards 1
no SSL_SESS_CACHE_CLIENT: set 16, reused 16, resumable afterwards 1
TLS 1.2: set 16, reused 16, resumable afterwards 1
END
