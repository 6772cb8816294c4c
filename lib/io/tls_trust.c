/* SPDX-License-Identifier: MIT */

/* Whose certificates are good, and which are not any more. */

#include "io/tls_trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "io/tls_pem.h"

bool ws__tls_names_ca(const ws_tls *tls)
{
    return tls->ca_file || tls->ca_pem;
}

bool ws__tls_names_crl(const ws_tls *tls)
{
    return tls->crl_file || tls->crl_pem;
}

/* What to take of what stands in a file: returns 1, 0 for not this, -1 for no
 * memory. */
typedef int trust_add_fn(X509_STORE *store, const X509_INFO *found);

static int trust_add_cert(X509_STORE *store, const X509_INFO *found)
{
    if (!found->x509)
        return 0;
    return X509_STORE_add_cert(store, found->x509) == 1 ? 1 : -1;
}

static int trust_add_crl(X509_STORE *store, const X509_INFO *found)
{
    if (!found->crl)
        return 0;
    return X509_STORE_add_crl(store, found->crl) == 1 ? 1 : -1;
}

/* Returns how many were added, or -1. */
static int trust_add_all(X509_STORE *store, const STACK_OF(X509_INFO) * found,
                         trust_add_fn *add)
{
    int n = 0;

    for (int i = 0; i < sk_X509_INFO_num(found); i++) {
        int r = add(store, sk_X509_INFO_value(found, i));

        if (r < 0)
            return -1;
        n += r;
    }
    return n;
}

static int trust_read(X509_STORE *store, const struct ws__tls_pem *from,
                      const char *what, trust_add_fn *add, ws_error *err)
{
    if (!from->file && !from->text)
        return 0;
    BIO *b = ws__tls_pem_open(from);
    STACK_OF(X509_INFO) *found =
        b ? PEM_X509_INFO_read_bio(b, NULL, ws__tls_no_password, NULL) : NULL;
    BIO_free(b);
    int n = found ? trust_add_all(store, found, add) : -1;
    sk_X509_INFO_pop_free(found, X509_INFO_free);
    if (n < 0)
        return ws__tls_pem_fail(from, what, err);
    if (n > 0)
        return 0;
    return ws__fail(err, WS_ERR_TLS, "TLS: %s: %s: there is none in it, in PEM",
                    ws__tls_pem_name(from), what);
}

static int trust_read_both(X509_STORE *store, const struct ws__tls_pem from[2],
                           const char *what, trust_add_fn *add, ws_error *err)
{
    int error = trust_read(store, &from[0], what, add, err);

    return error == 0 ? trust_read(store, &from[1], what, add, err) : error;
}

int ws__tls_trust_ca(X509_STORE *store, const ws_tls *tls, ws_error *err)
{
    const struct ws__tls_pem from[2] = {
        { .file = tls->ca_file },
        { .text = tls->ca_pem, .field = "ca_pem" },
    };

    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return trust_read_both(store, from, "CA certificates", trust_add_cert, err);
}

int ws__tls_trust_crl(X509_STORE *store, const ws_tls *tls, ws_error *err)
{
    const struct ws__tls_pem from[2] = {
        { .file = tls->crl_file },
        { .text = tls->crl_pem, .field = "crl_pem" },
    };

    if (!ws__tls_names_crl(tls))
        return 0;
    X509_STORE_set_flags(store,
                         X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return trust_read_both(store, from, "revocation list", trust_add_crl, err);
}

static bool trust_push_subject(STACK_OF(X509_NAME) * names, const X509 *x)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));

    if (name && sk_X509_NAME_push(names, name))
        return true;
    X509_NAME_free(name);
    return false;
}

STACK_OF(X509_NAME) * ws__tls_trusted_names(X509_STORE *store)
{
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    bool done = names;

    for (int i = 0; done && i < sk_X509_OBJECT_num(all); i++) {
        const X509 *x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));

        done = !x || trust_push_subject(names, x);
    }
    if (done)
        return names;
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return NULL;
}
