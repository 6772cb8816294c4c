/* SPDX-License-Identifier: MIT */

/* Who the peer has to be, and what is said when it is not. */

#include "io/tls_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/line.h"
#include "base/log.h"

enum { HOST_MAX = 253 }; /* RFC 1035, section 2.3.4, without the last dot */

/* ---- Words -------------------------------------------------------------- */

/* Where OpenSSL's own words lead nowhere. */
static const struct {
    int lib;
    int reason;
    const char *words;
} better[] = {
    { ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER,
      "wrong version number: does the peer speak TLS on this port?" },
    { ERR_LIB_PEM, PEM_R_NO_START_LINE, "there is none in it, in PEM" },
    { ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED, "there is none in it, in PEM" },
    { ERR_LIB_CRYPTO, ERR_R_INTERRUPTED_OR_CANCELLED, "it has a password" },
    { ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH,
      "it does not belong to the certificate" },
};

const char *ws__tls_reason(unsigned long fault)
{
    const char *reason = ERR_reason_error_string(fault);

    if (ERR_SYSTEM_ERROR(fault))
        return ws_strerror(-ERR_GET_REASON(fault));
    for (size_t i = 0; i < sizeof(better) / sizeof(*better); i++)
        if (ERR_GET_LIB(fault) == better[i].lib &&
            ERR_GET_REASON(fault) == better[i].reason)
            return better[i].words;
    return reason ? reason : ws_strerror(WS_ERR_TLS);
}

/* Whoever made the certificate chose the name. */
static void subject_of(const X509 *cert, char out[static WS__QUOTED])
{
    char name[4 * WS__QUOTED] = "";

    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
                              sizeof(name));
    ws__quote(out, ws__str(name));
}

/* A common name alone is none (RFC 9525, section 2), which surprises. */
static const char *hint(int error, const X509 *cert)
{
    bool other = error == X509_V_ERR_HOSTNAME_MISMATCH ||
                 error == X509_V_ERR_IP_ADDRESS_MISMATCH;

    if (!other || !cert ||
        X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0)
        return "";
    return ": it has no subjectAltName";
}

static void describe(const struct ws__tls *t, X509_STORE_CTX *sc)
{
    int error = X509_STORE_CTX_get_error(sc);
    const X509 *cert = X509_STORE_CTX_get_current_cert(sc);
    char subject[WS__QUOTED] = "";

    if (cert)
        subject_of(cert, subject);
    snprintf(t->words, WS__TLS_WORDS, "%s%s (depth %d%s%s)",
             X509_verify_cert_error_string(error), hint(error, cert),
             X509_STORE_CTX_get_error_depth(sc), subject[0] ? ", CN=" : "",
             subject);
}

/* The first fault is the one that is told. */
static int on_verify(int ok, X509_STORE_CTX *sc)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(sc, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct ws__tls *t = BIO_get_data(SSL_get_rbio(ssl));

    if (!ok && t->words && t->words[0] == '\0')
        describe(t, sc);
    return ok;
}

/* ---- Whom to expect ----------------------------------------------------- */

/* The last dot of a name stands in no certificate. */
static bool copy_name(char out[static HOST_MAX + 1], const char *host)
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
static bool expect(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
        return true;
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
}

int ws__tls_verify(struct ws__tls *t, bool skip, ws_error *err)
{
    char name[HOST_MAX + 1], quote[WS__QUOTED];

    if (!copy_name(name, t->peer))
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: expected the name of a host, got \"%s\"",
                        ws__quote(quote, ws__str(t->peer)));
    bool done = expect(t->ssl, name);
    ERR_clear_error();
    if (!done)
        return ws__fail(err, -ENOMEM, "TLS with %s: out of memory", t->peer);
    if (skip)
        ws__log("TLS with %s: its certificate is NOT VERIFIED, anybody may be "
                "at the other end (insecure_skip_verify)",
                name);
    SSL_set_verify(t->ssl, skip ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                   skip ? NULL : on_verify);
    return 0;
}

void ws__tls_verify_client(struct ws__tls *t)
{
    SSL_set_verify(t->ssl, SSL_get_verify_mode(t->ssl), on_verify);
}
