/* SPDX-License-Identifier: MIT */

#include "io/tls_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "io/tls_ciphers.h"
#include "io/tls_common.h"
#include "io/tls_key_log.h"
#include "io/tls_state.h"
#include "io/tls_trust.h"

/* ---- What the client's hello asks for ----------------------------------- */

/* A client that wants to speak only other protocols is told so (RFC 7301,
 * section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *out_len, const unsigned char *in,
                           unsigned in_len, void *arg)
{
    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < in_len; at += in[at] + 1u)
        if (in_len - at >= WS__TLS_PROTOCOL_LEN &&
            memcmp(in + at, WS__TLS_PROTOCOL, WS__TLS_PROTOCOL_LEN) == 0) {
            *out = in + at + 1;
            *out_len = WS__TLS_PROTOCOL_LEN - 1;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static size_t server_find(const struct ws__tls_server *s, const SSL *ssl,
                          const struct ws__tls_name **first)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    return name ? ws__tls_names_find(&s->names, name, first) : 0;
}

static void server_note_name(const SSL *ssl)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct ws__tls *t = BIO_get_data(SSL_get_rbio(ssl));
    char quote[WS__QUOTED];

    if (name)
        snprintf(t->shaking->words, WS__TLS_WORDS,
                 "no certificate has the name that the client asks for, \"%s\"",
                 ws__quote(quote, ws__str(name)));
    else
        snprintf(t->shaking->words, WS__TLS_WORDS,
                 "the client asks for no name, and strict_sni is set");
}

/* RFC 6066, section 3.  It is told of a resumed session's name, too. */
static int server_on_name(SSL *ssl, int *alert, void *server)
{
    const struct ws__tls_server *s = server;
    const struct ws__tls_name *first;

    if (server_find(s, ssl, &first) > 0)
        return SSL_TLSEXT_ERR_OK;
    if (!s->strict)
        return SSL_TLSEXT_ERR_NOACK;
    server_note_name(ssl);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The first of several that OpenSSL says this of; or NULL. */
static const struct ws__tls_identity *server_first_with(
    const struct ws__tls_server *s, SSL *ssl, const struct ws__tls_name *of,
    size_t n, int flag)
{
    for (size_t i = 0; i < n; i++) {
        const struct ws__tls_identity *id = s->identities[of[i].whose];

        if (SSL_check_chain(ssl, id->cert, id->key, id->chain) & flag)
            return id;
    }
    return NULL;
}

/* The first that the client can verify all of; or else one by whose key it can
 * verify a signature, since the chain is for the server to choose then (RFC 8446,
 * section 4.4.2.2). */
static const struct ws__tls_identity *server_choose(
    const struct ws__tls_server *s, SSL *ssl, const struct ws__tls_name *of,
    size_t n)
{
    const struct ws__tls_identity *id = NULL;

    if (n > 1)
        id = server_first_with(s, ssl, of, n, CERT_PKEY_VALID);
    if (n > 1 && !id)
        id = server_first_with(s, ssl, of, n, CERT_PKEY_SIGN);
    ERR_clear_error();
    return id ? id : s->identities[of[0].whose];
}

/* Returns 1, or 0 for no memory. */
static int server_on_certificate(SSL *ssl, void *server)
{
    const struct ws__tls_server *s = server;
    const struct ws__tls_name *first;
    size_t n = server_find(s, ssl, &first);

    if (n == 0)
        return 1;
    const struct ws__tls_identity *id = server_choose(s, ssl, first, n);
    if (id == s->identities[0])
        return 1;
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, id->cert, id->key, id->chain, 1);
}

/* ---- Who comes back ----------------------------------------------------- */

/* Nobody looks at a certificate again that was good in an earlier handshake: so
 * one that has expired since ends the session. */
static SSL_TICKET_RETURN server_on_ticket(SSL *ssl, SSL_SESSION *session,
                                          const unsigned char *name, size_t n,
                                          SSL_TICKET_STATUS status, void *arg)
{
    (void)ssl;
    (void)name;
    (void)n;
    (void)arg;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    const X509 *client = SSL_SESSION_get0_peer(session);
    if (client && X509_cmp_current_time(X509_get0_notAfter(client)) < 0)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}

/* Without a session context of its own a server that verifies clients resumes
 * no session.  A client comes back with one connection, not with several at once
 * as browsers do for pages: a second ticket, which OpenSSL would send, is a tenth
 * of the handshake's cost for nothing. */
static void server_set_tickets(SSL_CTX *ctx)
{
    static const unsigned char context[] = "silverback";

    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1);
    SSL_CTX_set_session_ticket_cb(ctx, NULL, server_on_ticket, NULL);
}

/* ---- Making it ---------------------------------------------------------- */

static int server_out_of_memory(ws_error *err)
{
    ERR_clear_error();
    return ws__fail(err, -ENOMEM, "TLS: out of memory");
}

struct ws__tls_server *ws__tls_server_new(const ws_tls *tls, ws_error *err)
{
    struct ws__tls_server *s = ws__zalloc(sizeof(*s));

    if (!s) {
        server_out_of_memory(err);
        return NULL;
    }
    s->holders = 1;
    s->strict = tls->strict_sni;
    s->ctx = ws__tls_common_new(TLS_server_method(), tls, err);
    if (!s->ctx) {
        ws__tls_server_let_go(s);
        return NULL;
    }
    if (!tls->ciphersuites)
        ws__tls_prefer_aes_128(s->ctx);
    server_set_tickets(s->ctx);
    SSL_CTX_set_alpn_select_cb(s->ctx, choose_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(s->ctx, server_on_name);
    SSL_CTX_set_tlsext_servername_arg(s->ctx, s);
    SSL_CTX_set_cert_cb(s->ctx, server_on_certificate, s);
    return s;
}

static int server_take_identities(struct ws__tls_server *s,
                                  struct ws__tls_identity *const *from,
                                  size_t n)
{
    s->identities = ws__alloc(n * sizeof(*s->identities));
    if (!s->identities)
        return -ENOMEM;
    for (; s->n < n; s->n++) {
        s->identities[s->n] = ws__tls_identity_hold(from[s->n]);
        if (ws__tls_names_add(&s->names, from[s->n]->cert, s->n) != 0) {
            s->n++;
            return -ENOMEM;
        }
    }
    ws__tls_names_sort(&s->names);
    const struct ws__tls_identity *id = s->identities[0];
    return SSL_CTX_use_cert_and_key(s->ctx, id->cert, id->key, id->chain, 1)
               ? 0
               : -ENOMEM;
}

static int server_ask_for_certificates(SSL_CTX *ctx, X509_STORE *store,
                                       bool optional)
{
    STACK_OF(X509_NAME) *names = ws__tls_trusted_names(store);

    if (!names)
        return -ENOMEM;
    SSL_CTX_set1_cert_store(ctx, store);
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
        NULL);
    return 0;
}

int ws__tls_server_finish(struct ws__tls_server *s, const ws_tls *tls,
                          struct ws__tls_identity *const *identities, size_t n,
                          X509_STORE *store, ws_error *err)
{
    bool optional = tls->client_certs == WS_CLIENT_CERTS_OPTIONAL;
    int error = server_take_identities(s, identities, n);

    if (error == 0 && store)
        error = server_ask_for_certificates(s->ctx, store, optional);
    if (error != 0)
        return server_out_of_memory(err);
    ws__tls_log_keys(s->ctx, tls);
    return 0;
}

/* ---- Sharing it --------------------------------------------------------- */

struct ws__tls_server *ws__tls_server_hold(struct ws__tls_server *s)
{
    atomic_fetch_add(&s->holders, 1);
    return s;
}

void ws__tls_server_let_go(struct ws__tls_server *s)
{
    if (!s || atomic_fetch_sub(&s->holders, 1) > 1)
        return;
    SSL_CTX_free(s->ctx);
    for (size_t i = 0; i < s->n; i++)
        ws__tls_identity_let_go(s->identities[i]);
    ws_free(s->identities);
    ws__tls_names_fini(&s->names);
    ws_free(s);
}
