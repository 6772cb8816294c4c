/* SPDX-License-Identifier: MIT */

/* What holds for every connection with the same files. */

#include "io/tls_state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/log.h"

/* As ALPN wants it (RFC 7301, section 3.1). */
static const unsigned char protocol[] = "\x08http/1.1";

enum { PROTOCOL_LEN = sizeof(protocol) - 1 };

/* ---- Secrets ------------------------------------------------------------ */

static const char *key_log_file(void)
{
    return secure_getenv("SSLKEYLOGFILE");
}

static int open_key_log(void)
{
    return open(key_log_file(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                0600);
}

/* In one write, since others may write there, too.  A failure is not logged: this
 * is inside of OpenSSL, and the log function may want to wait. */
static void log_key(const SSL *ssl, const char *line)
{
    const struct iovec v[] = { { (void *)line, strlen(line) }, { "\n", 1 } };
    int fd = open_key_log();

    (void)ssl;
    if (fd < 0)
        return;
    (void)!writev(fd, v, 2);
    close(fd);
}

static void set_key_log(SSL_CTX *ctx, const ws_tls *tls)
{
    if (!tls->key_log || !key_log_file())
        return;
    int fd = open_key_log();
    if (fd < 0) {
        ws__log("TLS: %s: %s", key_log_file(), ws_strerror(-errno));
        return;
    }
    close(fd);
    SSL_CTX_set_keylog_callback(ctx, log_key);
    ws__log("TLS: the secrets of connections go to %s (key_log)",
            key_log_file());
}

/* ---- Both ends ---------------------------------------------------------- */

/* Nobody is there to be asked. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* The system's settings may ask for more than TLS 1.2. */
static SSL_CTX *ctx_new(const SSL_METHOD *method)
{
    ws__crypto_begin();
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    if (SSL_CTX_get_min_proto_version(ctx) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    return ctx;
}

static int fail(ws_error *err, const char *file, const char *what)
{
    unsigned long fault = ERR_peek_error();

    ws__fail(err, WS_ERR_TLS, "TLS: %s: %s: %s", file, what,
             ws__tls_reason(fault));
    ERR_clear_error();
    return WS_ERR_TLS;
}

static int use_certificate(SSL_CTX *ctx, const ws_tls *tls, ws_error *err)
{
    const char *cert = tls->cert_file;
    const char *key = tls->key_file ? tls->key_file : cert;

    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return fail(err, cert, "certificate");
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return fail(err, key, "private key");
    return 0;
}

/* What is in the file is trusted, be it a root or not. */
static int use_ca(SSL_CTX *ctx, const char *file, ws_error *err)
{
    if (SSL_CTX_load_verify_file(ctx, file) != 1)
        return fail(err, file, "CA certificates");
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx),
                         X509_V_FLAG_PARTIAL_CHAIN);
    return 0;
}

static SSL_CTX *finish(SSL_CTX *ctx, const ws_tls *tls, int error)
{
    if (error == 0) {
        set_key_log(ctx, tls);
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

/* ---- The server's end --------------------------------------------------- */

/* A client that wants to speak only other protocols is told so (RFC 7301,
 * section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *out_len, const unsigned char *in,
                           unsigned in_len, void *arg)
{
    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < in_len; at += in[at] + 1u)
        if (in_len - at >= PROTOCOL_LEN &&
            memcmp(in + at, protocol, PROTOCOL_LEN) == 0) {
            *out = in + at + 1;
            *out_len = PROTOCOL_LEN - 1;
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
    int error = use_ca(ctx, ca_file, err);

    if (error != 0)
        return error;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);
    if (!names)
        return fail(err, ca_file, "CA certificates");
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
    SSL_CTX *ctx = ctx_new(TLS_server_method());

    if (!ctx) {
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    SSL_CTX_set_num_tickets(ctx, 1);
    prefer_aes_128(ctx);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_session_id_context(ctx, session, sizeof(session) - 1);
    int error = use_certificate(ctx, tls, err);
    if (error == 0 && tls->ca_file)
        error = demand_certificates(ctx, tls->ca_file, err);
    return finish(ctx, tls, error);
}

/* ---- The client's end --------------------------------------------------- */

static SSL_CTX *client_new(void)
{
    SSL_CTX *ctx = ctx_new(TLS_client_method());

    if (ctx && SSL_CTX_set_alpn_protos(ctx, protocol, PROTOCOL_LEN) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* With the system's roots and nothing of one's own: made once, if all of it could
 * be read. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
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
    pthread_mutex_lock(&lock);
    SSL_CTX *ctx = standard;
    if (ctx)
        SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&lock);
    return ctx;
}

/* Of two the first stays. */
static void share(SSL_CTX *ctx)
{
    pthread_mutex_lock(&lock);
    if (!standard) {
        SSL_CTX_up_ref(ctx);
        standard = ctx;
    }
    pthread_mutex_unlock(&lock);
}

/* Reading the system's files takes its time, and no lock. */
static SSL_CTX *standard_ctx(void)
{
    SSL_CTX *ctx = ws__tls_standard_ctx();

    if (ctx)
        return ctx;
    ctx = client_new();
    if (ctx && load_roots(ctx))
        share(ctx);
    return ctx;
}

void ws__tls_cleanup(void)
{
    pthread_mutex_lock(&lock);
    SSL_CTX *ctx = standard;
    standard = NULL;
    pthread_mutex_unlock(&lock);
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

static int set_up_client(SSL_CTX *ctx, const ws_tls *tls, ws_error *err)
{
    int error =
        tls->ca_file ? use_ca(ctx, tls->ca_file, err) : use_roots(ctx, err);

    if (error == 0 && tls->cert_file)
        error = use_certificate(ctx, tls, err);
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
    return plain ? ctx : finish(ctx, tls, set_up_client(ctx, tls, err));
}
