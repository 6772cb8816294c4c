/* SPDX-License-Identifier: MIT */

/* Who the peer has to be, and what is said when it is not. */

#include "io/tls_verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/line.h"
#include "base/log.h"
#include "io/tls_pin.h"

enum { HOST_MAX = 253 }; /* RFC 1035, section 2.3.4, without the last dot */

/* ---- What is said ------------------------------------------------------- */

/* Whoever made the certificate chose the name. */
static void verify_subject(const X509 *cert, char out[static WS__QUOTED])
{
    char name[4 * WS__QUOTED];
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                      NID_commonName, name, sizeof(name));

    ws__quote(out, (struct ws__str){ name, n > 0 ? (size_t)n : 0 });
}

/* A common name alone is none (RFC 9525, section 2), which surprises. */
static const char *verify_hint(int error, const X509 *cert)
{
    bool other = error == X509_V_ERR_HOSTNAME_MISMATCH ||
                 error == X509_V_ERR_IP_ADDRESS_MISMATCH;

    if (!other || !cert ||
        X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0)
        return "";
    return ": it has no subjectAltName";
}

static void verify_describe(struct ws__tls_shaking *shaking, X509_STORE_CTX *sc)
{
    int error = X509_STORE_CTX_get_error(sc);
    const X509 *cert = X509_STORE_CTX_get_current_cert(sc);
    char subject[WS__QUOTED] = "";

    if (cert)
        verify_subject(cert, subject);
    snprintf(shaking->words, WS__TLS_WORDS, "%s%s (depth %d%s%s)",
             X509_verify_cert_error_string(error), verify_hint(error, cert),
             X509_STORE_CTX_get_error_depth(sc), subject[0] ? ", CN=" : "",
             subject);
}

static struct ws__tls_shaking *verify_shaking(X509_STORE_CTX *sc)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(sc, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct ws__tls *t = BIO_get_data(SSL_get_rbio(ssl));

    return t->shaking;
}

/* The first fault is the one that is told. */
static int verify_note(int ok, X509_STORE_CTX *sc)
{
    struct ws__tls_shaking *shaking = verify_shaking(sc);

    if (!ok && shaking->words[0] == '\0')
        verify_describe(shaking, sc);
    return ok;
}

/* ---- The server's key --------------------------------------------------- */

static int verify_pin(struct ws__tls_shaking *shaking, X509_STORE_CTX *sc)
{
    const X509 *cert = X509_STORE_CTX_get0_cert(sc);
    char pin[WS__TLS_PIN] = "";

    if (cert && ws__tls_pin_of(cert, pin) &&
        ws__tls_pins_have(shaking->tls->pinned_key, pin))
        return 1;
    snprintf(shaking->words, WS__TLS_WORDS,
             "its public key is not the pinned one, but %s", pin);
    X509_STORE_CTX_set_error(sc, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

/* The pin holds also for who skips the rest; what that would have said is kept
 * for ws_cert.verified. */
int ws__tls_verify_chain(X509_STORE_CTX *sc, void *unused)
{
    struct ws__tls_shaking *shaking = verify_shaking(sc);
    const ws_tls *tls = shaking->tls;
    int ok = X509_verify_cert(sc) > 0 || tls->insecure_skip_verify;

    (void)unused;
    return ok && tls->pinned_key ? verify_pin(shaking, sc) : ok;
}

/* ---- Whom to expect ----------------------------------------------------- */

/* The last dot of a name stands in no certificate. */
static bool verify_copy_name(char out[static HOST_MAX + 1], const char *host)
{
    size_t n = strlen(host);

    if (n > 0 && host[n - 1] == '.')
        n--;
    if (n == 0 || n > HOST_MAX)
        return false;
    memcpy(out, host, n);
    out[n] = '\0';
    return true;
}

/* An address is looked for among the certificate's addresses only, and is
 * never sent as a name (RFC 6066, section 3). */
static bool verify_expect(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
        return true;
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
}

/* A pin is as good as any other proof. */
static void verify_warn(const struct ws__tls_shaking *shaking, const char *name)
{
    if (shaking->tls->insecure_skip_verify && !shaking->tls->pinned_key)
        ws__log(WS__LOG(WS_LOG_WARNING, "not_verified"),
                "TLS with %s: its certificate is NOT VERIFIED, anybody may be "
                "at the other end (insecure_skip_verify)",
                name);
}

int ws__tls_verify_server(struct ws__tls *t, ws_error *err)
{
    const char *peer = t->shaking->peer;
    char name[HOST_MAX + 1], quote[WS__QUOTED];

    if (!verify_copy_name(name, peer))
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: expected the name of a host, got \"%s\"",
                        ws__quote(quote, ws__str(peer)));
    bool done = verify_expect(t->ssl, name);
    ERR_clear_error();
    if (!done)
        return ws__fail(err, -ENOMEM, "TLS with %s: out of memory", peer);
    verify_warn(t->shaking, name);
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER,
                   t->shaking->tls->insecure_skip_verify ? NULL : verify_note);
    return 0;
}

void ws__tls_verify_client(struct ws__tls *t)
{
    SSL_set_verify(t->ssl, SSL_get_verify_mode(t->ssl), verify_note);
}
