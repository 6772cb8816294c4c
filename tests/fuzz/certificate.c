/* SPDX-License-Identifier: MIT */

/* A certificate that a peer has shown: whatever is in it, what the program gets
 * is printable (RFC 4514), and nothing of it is lost behind a NUL. */

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "fuzz/fuzz.h"

#include "io/tls_cert.h"
#include "io/tls_names.h"

/* ---- A session whose peer has shown it ---------------------------------- */

static size_t put_length(uint8_t *out, size_t n)
{
    out[0] = 0x83; /* three bytes of length */
    out[1] = (uint8_t)(n >> 16);
    out[2] = (uint8_t)(n >> 8);
    out[3] = (uint8_t)n;
    return 4;
}

/* As i2d_SSL_SESSION writes it: version, TLS 1.2, cipher, id, key, peer. */
static SSL_SESSION *session_of(const uint8_t *der, size_t n)
{
    static const uint8_t head[] = { 2,    1,    1, 2, 2, 3, 3, 4, 2,
                                    0xc0, 0x2f, 4, 1, 7, 4, 1, 7 };
    uint8_t *text = malloc(n + sizeof(head) + 16);
    size_t len = 0;

    CHECK(text);
    text[len++] = 0x30;
    len += put_length(text + len, sizeof(head) + 5 + n);
    memcpy(text + len, head, sizeof(head));
    len += sizeof(head);
    text[len++] = 0xa3;
    len += put_length(text + len, n);
    memcpy(text + len, der, n);
    len += n;
    const unsigned char *p = text;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &p, (long)len);
    free(text);
    return session;
}

static SSL *shown(SSL_SESSION *session)
{
    static SSL_CTX *ctx;

    if (!ctx)
        ctx = SSL_CTX_new(TLS_client_method());
    CHECK(ctx);
    SSL *ssl = SSL_new(ctx);
    CHECK(ssl);
    if (SSL_set_session(ssl, session) == 1)
        return ssl;
    SSL_free(ssl);
    return NULL;
}

/* ---- What is said of it ------------------------------------------------- */

static bool is_printable(const char *s)
{
    for (; *s; s++)
        if (*s < ' ' || *s > '~')
            return false;
    return true;
}

static bool is_hex(const char *s)
{
    return strspn(s, "0123456789abcdef") == strlen(s);
}

static void check_cert(const ws_cert *c)
{
    CHECK(is_printable(c->subject) && is_printable(c->issuer));
    CHECK(is_printable(c->common_name) && is_hex(c->serial));
    CHECK(strlen(c->sha256) == 64 && is_hex(c->sha256));
    CHECK(strncmp(c->pin, "sha256//", 8) == 0 && strlen(c->pin) == 52);
    CHECK(c->der && c->der_len > 0);
    for (const ws_cert_name *n = c->names; n->value; n++)
        CHECK(is_printable(n->value));
}

/* A host's name finds the certificate that names it. */
static void check_names(const X509 *x)
{
    struct ws__tls_names names = { 0 };
    const struct ws__tls_name *first;

    CHECK(ws__tls_names_add(&names, x, 1) == 0);
    ws__tls_names_sort(&names);
    for (size_t i = 0; i < names.n; i++) {
        CHECK(names.list[i].whose == 1);
        CHECK(ws__tls_names_find(&names, names.list[i].name, &first) > 0);
    }
    (void)ws__tls_names_find(&names, "a.example", &first);
    ws__tls_names_fini(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SSL_SESSION *session = size > 0 ? session_of(data, size) : NULL;
    SSL *ssl = session ? shown(session) : NULL;
    const X509 *x = ssl ? SSL_get0_peer_certificate(ssl) : NULL;

    if (x) {
        ws_cert *c = ws__tls_cert_new(ssl);

        if (c)
            check_cert(c);
        ws_free(c);
        check_names(x);
    }
    SSL_free(ssl);
    SSL_SESSION_free(session);
    ERR_clear_error();
    return 0;
}
