/* SPDX-License-Identifier: MIT */

/* What holds for every connection of a client with the same files. */

#include "io/tls_client_ctx.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/error.h"
#include "io/tls_ctx.h"
#include "io/tls_key_log.h"

static SSL_CTX *client_new(void)
{
    SSL_CTX *ctx = ws__tls_ctx_new(TLS_client_method());

    if (ctx &&
        SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)WS__TLS_PROTOCOL,
                                WS__TLS_PROTOCOL_LEN) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

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
static SSL_CTX *standard_ctx(void)
{
    SSL_CTX *ctx = ws__tls_standard_ctx();

    if (ctx)
        return ctx;
    ctx = client_new();
    if (ctx && load_roots(ctx))
        standard_share(ctx);
    return ctx;
}

void ws__tls_cleanup(void)
{
    pthread_mutex_lock(&standard_lock);
    SSL_CTX *ctx = standard;
    standard = NULL;
    pthread_mutex_unlock(&standard_lock);
    SSL_CTX_free(ctx);
}

/* What is verified with the system's roots only. */
static int use_roots(SSL_CTX *ctx, ws_error *err)
{
    SSL_CTX *with = standard_ctx();

    if (!with)
        return ws__fail(err, -ENOMEM, "TLS: out of memory");
    SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(with));
    SSL_CTX_free(with);
    return 0;
}

static int client_set_up(SSL_CTX *ctx, const ws_tls *tls, ws_error *err)
{
    int error = tls->ca_file ? ws__tls_use_ca(ctx, tls->ca_file, err)
                             : use_roots(ctx, err);

    if (error == 0 && tls->cert_file)
        error = ws__tls_use_certificate(ctx, tls, err);
    return error;
}

bool ws__tls_is_standard(const ws_tls *tls)
{
    return !tls->ca_file && !tls->cert_file && !tls->key_log;
}

SSL_CTX *ws__tls_client_ctx(const ws_tls *tls, ws_error *err)
{
    bool plain = ws__tls_is_standard(tls);
    SSL_CTX *ctx = plain ? standard_ctx() : client_new();

    if (!ctx) {
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    if (plain)
        return ctx;
    if (client_set_up(ctx, tls, err) != 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    ws__tls_log_keys(ctx, tls);
    return ctx;
}
