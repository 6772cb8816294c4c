/* SPDX-License-Identifier: MIT */

#include "limit_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/socket.h>

enum { KEY = 24 };

void limit_fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_limit: %s: %s\n", what, why);
    exit(1);
}

void *limit_need(void *p)
{
    if (!p)
        limit_fail("memory", "there is none left");
    return p;
}

void limit_room(uint8_t **p, size_t *room, size_t n)
{
    if (n <= *room)
        return;
    *room = n + n / 2;
    *p = limit_need(realloc(*p, *room));
}

int limit_listen(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fd, 4096) != 0)
        limit_fail("listen", strerror(errno));
    return fd;
}

SSL_CTX *limit_tls(void)
{
    SSL_CTX *ctx = limit_need(SSL_CTX_new(TLS_server_method()));

    if (SSL_CTX_use_certificate_chain_file(ctx, "cert.pem") != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, "key.pem", SSL_FILETYPE_PEM) != 1)
        limit_fail("cert.pem and key.pem", "not usable");
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    return ctx;
}

static ssize_t tls_get(SSL *ssl, uint8_t *p, size_t n)
{
    size_t done = 0;

    while (done < n) {
        int got = SSL_read(ssl, p + done, (int)(n - done));

        if (got <= 0 && done == 0)
            return SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ ? -1 : 0;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t limit_get(int fd, SSL *ssl, uint8_t *p, size_t n)
{
    if (ssl)
        return tls_get(ssl, p, n);

    ssize_t got = recv(fd, p, n, 0);

    return got < 0 && errno != EAGAIN ? 0 : got;
}

static size_t tls_put(SSL *ssl, const uint8_t *p, size_t n)
{
    size_t done = 0;

    while (done < n) {
        int put = SSL_write(ssl, p + done, (int)(n - done));

        if (put <= 0)
            break;
        done += (size_t)put;
    }
    return done;
}

size_t limit_put(int fd, SSL *ssl, const uint8_t *p, size_t n)
{
    if (ssl)
        return tls_put(ssl, p, n);

    ssize_t put = send(fd, p, n, MSG_NOSIGNAL);

    return put > 0 ? (size_t)put : 0;
}

/* RFC 6455, 4.2.2 */
static void put_accept(char *accept, const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY + sizeof(guid)];
    uint8_t digest[SHA_DIGEST_LENGTH];

    memcpy(text, key, KEY);
    memcpy(text + KEY, guid, sizeof(guid));
    SHA1((uint8_t *)text, sizeof(text) - 1, digest);
    EVP_EncodeBlock((uint8_t *)accept, digest, sizeof(digest));
}

bool limit_answer(char *head, const char *request, bool deflate)
{
    static const char field[] = "\r\nsec-websocket-key:";
    static const char agreed[] =
        "Sec-WebSocket-Extensions: permessage-deflate; "
        "server_no_context_takeover; client_no_context_takeover\r\n";
    const char *key = strcasestr(request, field);
    char accept[32];

    if (!key)
        return false;
    key += sizeof(field) - 1;
    key += strspn(key, " ");
    if (strlen(key) < KEY)
        return false;
    put_accept(accept, key);
    snprintf(head, LIMIT_ANSWER,
             "HTTP/1.1 101 Switching Protocols\r\n"
             "Upgrade: websocket\r\n"
             "Connection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n%s\r\n",
             accept, deflate ? agreed : "");
    return true;
}
