/* SPDX-License-Identifier: MIT */

/* What OpenSSL has against something, in words. */

#include "io/tls_reason.h"

#include <stddef.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <silverback/base.h>

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
