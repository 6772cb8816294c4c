/* SPDX-License-Identifier: MIT */

/* What holds for every connection of a server with the same files. */

#include "io/tls_server_ctx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "io/tls_ctx.h"
#include "io/tls_key_log.h"

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

static bool is_1_3(const SSL_CIPHER *c)
{
    return strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") == 0;
}

/* AES with 128 bits costs a quarter less than with 256, the first choice of
 * OpenSSL's clients.  Of the suites that the system allows none is lost, and a
 * client that would rather have ChaCha20, for want of a CPU that knows AES, gets
 * it. */
static void prefer_aes_128(SSL_CTX *ctx)
{
    static const char first[] = "TLS_AES_128_GCM_SHA256";
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    char suites[256];
    size_t n = (size_t)snprintf(suites, sizeof(suites), "%s", first);
    bool allowed = false;

    for (int i = 0; i < sk_SSL_CIPHER_num(all) && n < sizeof(suites); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
        const char *name = SSL_CIPHER_get_name(c);

        if (strcmp(name, first) == 0)
            allowed = true;
        else if (is_1_3(c))
            n += (size_t)snprintf(suites + n, sizeof(suites) - n, ":%s", name);
    }
    if (allowed && n < sizeof(suites) && SSL_CTX_set_ciphersuites(ctx, suites))
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
}

static int demand_certificates(SSL_CTX *ctx, const char *ca_file, ws_error *err)
{
    int error = ws__tls_use_ca(ctx, ca_file, err);

    if (error != 0)
        return error;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);
    if (!names)
        return ws__tls_file_fail(err, ca_file, "CA certificates");
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       NULL);
    return 0;
}

/* Without a session context of its own a server that verifies clients resumes
 * no session.  A client comes back with one connection, not with several at once
 * as browsers do for pages: a second ticket, which OpenSSL would send, is a tenth
 * of the handshake's cost for nothing. */
SSL_CTX *ws__tls_server_ctx(const ws_tls *tls, ws_error *err)
{
    static const unsigned char session[] = "silverback";
    SSL_CTX *ctx = ws__tls_ctx_new(TLS_server_method());

    if (!ctx) {
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    SSL_CTX_set_num_tickets(ctx, 1);
    prefer_aes_128(ctx);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_session_id_context(ctx, session, sizeof(session) - 1);
    int error = ws__tls_use_certificate(ctx, tls, err);
    if (error == 0 && tls->ca_file)
        error = demand_certificates(ctx, tls->ca_file, err);
    if (error != 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    ws__tls_log_keys(ctx, tls);
    return ctx;
}
