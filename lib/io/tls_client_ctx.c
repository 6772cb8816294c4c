/* SPDX-License-Identifier: MIT */

/* What holds for every connection of a client with the same files. */

#include "io/tls_client_ctx.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/error.h"
#include "io/tls_common.h"
#include "io/tls_contexts.h"
#include "io/tls_identity.h"
#include "io/tls_key_log.h"
#include "io/tls_sessions.h"
#include "io/tls_state.h"
#include "io/tls_trust.h"
#include "io/tls_verify.h"

/* For whom there is a key. */
static int client_on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct ws__tls *t = BIO_get_data(SSL_get_rbio(ssl));

    if (t->sessions)
        ws__tls_sessions_keep(t->sessions, session);
    return 0; /* it was not taken */
}

static SSL_CTX *client_new(const ws_tls *tls, ws_error *err)
{
    static const unsigned char protocol[] = WS__TLS_PROTOCOL;
    SSL_CTX *ctx = ws__tls_common_new(TLS_client_method(), tls, err);

    if (!ctx)
        return NULL;
    if (SSL_CTX_set_alpn_protos(ctx, protocol, WS__TLS_PROTOCOL_LEN) != 0) {
        SSL_CTX_free(ctx);
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    SSL_CTX_set_cert_verify_callback(ctx, ws__tls_verify_chain, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, client_on_session);
    return ctx;
}

/* ---- What clients share ------------------------------------------------- */

/* With the system's roots and nothing of one's own: made once, if all of it could
 * be read. */
static pthread_mutex_t standard_lock = PTHREAD_MUTEX_INITIALIZER;
static SSL_CTX *standard;

/* Returns whether they are all there; the system need not have a file of them.
 * SSL_CTX_set_default_verify_paths would not say so. */
static bool load_roots(SSL_CTX *ctx)
{
    const char *named = secure_getenv(X509_get_default_cert_file_env());
    const char *file = named ? named : X509_get_default_cert_file();

    bool all = SSL_CTX_load_verify_file(ctx, file) == 1 ||
               (access(file, F_OK) != 0 && errno == ENOENT);
    all = SSL_CTX_set_default_verify_dir(ctx) == 1 && all;
    ERR_clear_error();
    return all;
}

SSL_CTX *ws__tls_standard_ctx(void)
{
    pthread_mutex_lock(&standard_lock);
    SSL_CTX *ctx = standard;
    if (ctx)
        SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&standard_lock);
    return ctx;
}

/* Of two the first stays. */
static void standard_share(SSL_CTX *ctx)
{
    pthread_mutex_lock(&standard_lock);
    if (!standard) {
        SSL_CTX_up_ref(ctx);
        standard = ctx;
    }
    pthread_mutex_unlock(&standard_lock);
}

/* Reading the system's files takes its time, and no lock. */
static SSL_CTX *standard_ctx(ws_error *err)
{
    static const ws_tls nothing;
    SSL_CTX *ctx = ws__tls_standard_ctx();

    if (ctx)
        return ctx;
    ctx = client_new(&nothing, err);
    if (ctx && load_roots(ctx))
        standard_share(ctx);
    return ctx;
}

void ws__tls_client_cleanup(void)
{
    pthread_mutex_lock(&standard_lock);
    SSL_CTX *ctx = standard;
    standard = NULL;
    pthread_mutex_unlock(&standard_lock);
    SSL_CTX_free(ctx);
    ws__tls_contexts_cleanup();
    ws__tls_sessions_cleanup();
}

/* ---- One with something of its own -------------------------------------- */

/* What is verified with the system's roots only. */
static int use_roots(SSL_CTX *ctx, ws_error *err)
{
    SSL_CTX *with = standard_ctx(err);

    if (!with)
        return err->code;
    SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(with));
    SSL_CTX_free(with);
    return 0;
}

/* Revocation lists are for this client's roots alone. */
static int client_trust(SSL_CTX *ctx, const ws_tls *tls, ws_error *err)
{
    X509_STORE *own = SSL_CTX_get_cert_store(ctx);
    int error = 0;

    if (ws__tls_names_ca(tls))
        error = ws__tls_trust_ca(own, tls, err);
    else if (ws__tls_names_crl(tls))
        (void)load_roots(ctx);
    else
        return use_roots(ctx, err);
    return error == 0 ? ws__tls_trust_crl(own, tls, err) : error;
}

static int client_use_certificate(SSL_CTX *ctx, const ws_tls *tls,
                                  ws_error *err)
{
    const ws_tls_cert from = { tls->cert_file, tls->key_file, tls->cert_pem,
                               tls->key_pem };

    if (!from.cert_file && !from.cert_pem)
        return 0;
    struct ws__tls_identity *i = ws__tls_identity_read(ctx, &from, -1, err);
    if (!i)
        return err->code;
    bool done =
        SSL_CTX_use_cert_and_key(ctx, i->cert, i->key, i->chain, 1) == 1;
    ws__tls_identity_let_go(i);
    return done ? 0 : ws__fail(err, -ENOMEM, "TLS: out of memory");
}

static SSL_CTX *client_own_ctx(const ws_tls *tls, ws_error *err)
{
    SSL_CTX *ctx = client_new(tls, err);

    if (ctx && client_trust(ctx, tls, err) == 0 &&
        client_use_certificate(ctx, tls, err) == 0) {
        ws__tls_log_keys(ctx, tls);
        return ctx;
    }
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return NULL;
}

/* A name and a pin are no business of the context. */
bool ws__tls_is_standard(const ws_tls *tls)
{
    return !ws__tls_names_ca(tls) && !ws__tls_names_crl(tls) &&
           !tls->cert_file && !tls->cert_pem && !tls->key_log &&
           !tls->ciphers && !tls->ciphersuites && tls->min_version == 0;
}

SSL_CTX *ws__tls_client_ctx(const ws_tls *tls, ws_error *err)
{
    ws_error unseen = { 0 };

    err = err ? err : &unseen;
    return ws__tls_is_standard(tls) ? standard_ctx(err)
                                    : client_own_ctx(tls, err);
}
