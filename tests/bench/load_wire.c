/* SPDX-License-Identifier: MIT */

#include "load_wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

static SSL_CTX *tls;
static SSL_SESSION *session;

_Noreturn static void tls_fail(const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_error());

    load_fail("%s: TLS: %s", what, why ? why : "the connection is gone");
}

/* Of a connection that is to be resumed, the newest. */
static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = s;
    return 1;
}

void wire_setup(const struct load_options *o)
{
    if (!o->tls)
        return;
    tls = SSL_CTX_new(TLS_client_method());
    if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256"))
        tls_fail("set up");
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls, 1);
    if (o->resume) {
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT |
                                                SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls, keep_session);
    }
    if (o->client) {
        if (!SSL_CTX_load_verify_file(tls, "cert.pem"))
            tls_fail("cert.pem");
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    }
}

void wire_teardown(void)
{
    SSL_SESSION_free(session);
    SSL_CTX_free(tls);
}

void wire_connect(struct conn *c, int port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        load_fail("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
        errno != EINPROGRESS)
        load_fail("connect: %s", strerror(errno));
}

/* By a copy: with TLS 1.3 the end of a handshake that resumes a session makes the
 * object of it not resumable. */
static void resume(SSL *ssl)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);

    if (!copy || !SSL_set_session(ssl, copy))
        tls_fail("resume");
    SSL_SESSION_free(copy);
}

bool wire_connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);

    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0)
        load_fail("connect: %s", strerror(error));
    if (!tls)
        return true;
    c->ssl = SSL_new(tls);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
        tls_fail("connect");
    if (session)
        resume(c->ssl);
    SSL_set_connect_state(c->ssl);
    return wire_secured(c);
}

/* Returns how many bytes, or a WIRE_ code. */
static ssize_t tls_result(struct conn *c, int n, const char *what)
{
    if (n > 0)
        return n;
    switch (SSL_get_error(c->ssl, n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return WIRE_LATER;
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_GONE;
    default:
        tls_fail(what);
    }
}

static ssize_t tcp_result(ssize_t n, const char *what)
{
    if (n < 0 && errno != EAGAIN)
        load_fail("%s: %s", what, strerror(errno));
    return n < 0 ? WIRE_LATER : n;
}

bool wire_secured(struct conn *c)
{
    bool done = tls_result(c, SSL_do_handshake(c->ssl), "connect") > 0;

    conn_count.resumed += done && SSL_session_reused(c->ssl);
    return done;
}

void wire_drop(struct conn *c)
{
    struct linger reset = { .l_onoff = 1 };

    if (c->ssl) /* otherwise its session counts as broken */
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    c->ssl = NULL;
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(c->fd);
}

ssize_t wire_get(struct conn *c, void *p, size_t n)
{
    if (c->ssl)
        return tls_result(c, SSL_read(c->ssl, p, (int)n), "read");
    return tcp_result(recv(c->fd, p, n, 0), "recv");
}

ssize_t wire_put(struct conn *c, const void *p, size_t n)
{
    if (c->ssl)
        return tls_result(c, SSL_write(c->ssl, p, (int)n), "write");
    return tcp_result(send(c->fd, p, n, MSG_NOSIGNAL), "send");
}

ssize_t wire_skip(struct conn *c, size_t n)
{
    return tcp_result(recv(c->fd, NULL, n, MSG_TRUNC), "recv");
}
