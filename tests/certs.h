/* SPDX-License-Identifier: MIT */

#ifndef TESTS_CERTS_H
#define TESTS_CERTS_H

/* Certificates, made for a test in a folder of its own. */

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "test.h"

/* What to make; zero is: no such extension, valid from yesterday to tomorrow. */
struct cert_spec {
    const char *cn;
    const char *san; /* "DNS:good.test,IP:127.0.0.1" */
    const char *eku; /* "clientAuth" */
    bool ca;
    bool ed25519; /* else P-256 */
    int from;     /* in days from now, */
    int to;       /* both 0: -1 and 1 */
};

struct cert {
    X509 *x509;
    EVP_PKEY *key;
};

static inline void cert_extend(X509 *x, int nid, const char *value)
{
    if (!value)
        return;
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_true(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

/* issuer NULL: by itself. */
static inline void cert_sign(struct cert *c, const struct cert *issuer)
{
    EVP_PKEY *by = issuer ? issuer->key : c->key;
    bool has_digest = !EVP_PKEY_is_a(by, "ED25519");

    assert_true(X509_sign(c->x509, by, has_digest ? EVP_sha256() : NULL) > 0);
}

/* issuer NULL: signed by itself. */
static inline struct cert cert_make(struct cert_spec s,
                                    const struct cert *issuer)
{
    static long serial;

    /* As the library does, so that threads which it leaves may outlive main:
     * who uses OpenSSL first decides. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    struct cert c = { X509_new(), s.ed25519
                                      ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                      : EVP_EC_gen("P-256") };
    X509_NAME *name = X509_get_subject_name(c.x509);

    if (s.from == 0 && s.to == 0)
        s.from = -1, s.to = 1;
    X509_set_version(c.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++serial);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               (const unsigned char *)s.cn, -1, -1, 0);
    X509_set_issuer_name(c.x509,
                         issuer ? X509_get_subject_name(issuer->x509) : name);
    X509_gmtime_adj(X509_getm_notBefore(c.x509), s.from * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(c.x509), s.to * 86400L);
    X509_set_pubkey(c.x509, c.key);
    cert_extend(c.x509, NID_basic_constraints,
                s.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    cert_extend(c.x509, NID_subject_alt_name, s.san);
    cert_extend(c.x509, NID_ext_key_usage, s.eku);
    cert_sign(&c, issuer);
    return c;
}

static inline void cert_free(struct cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

/* ---- Files -------------------------------------------------------------- */

static char certs_folder[] = "/tmp/silverback_tls.XXXXXX";

static inline void certs_begin(void)
{
    assert_non_null(mkdtemp(certs_folder));
}

static inline void certs_end(void)
{
    DIR *d = opendir(certs_folder);

    for (struct dirent *e; (e = readdir(d)) != NULL;)
        unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(certs_folder);
}

/* A path in the folder, which stays. */
static inline const char *certs_path(const char *name)
{
    static char paths[64][64];
    char path[64];
    size_t i = 0;

    snprintf(path, sizeof(path), "%s/%s", certs_folder, name);
    while (paths[i][0] && strcmp(paths[i], path) != 0)
        i++;
    return strcpy(paths[i], path);
}

/* Renamed into place, as careful programs do; key and certificate in one file,
 * or one of them.  password may be NULL. */
static inline void cert_write_as(const char *name, X509 *x, EVP_PKEY *key,
                                 const char *password)
{
    const char *path = certs_path(name), *fresh = certs_path("fresh");
    FILE *f = fopen(fresh, "w");

    assert_non_null(f);
    if (key)
        PEM_write_PrivateKey(f, key, password ? EVP_aes_128_cbc() : NULL, NULL,
                             0, NULL, (void *)password);
    if (x)
        PEM_write_X509(f, x);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(fresh, path), 0);
}

/* Certificate and key in one file. */
static inline void cert_write(const char *name, const struct cert *c)
{
    cert_write_as(name, c->x509, c->key, NULL);
}

/* One that nobody else needs. */
static inline void cert_write_new(const char *name, struct cert_spec s,
                                  const struct cert *issuer)
{
    struct cert c = cert_make(s, issuer);

    cert_write(name, &c);
    cert_free(&c);
}

/* For a group of tests: the folder, with server.pem, of a server at 127.0.0.1,
 * signed by itself. */
static inline int certs_set_up(void **state)
{
    (void)state;
    certs_begin();
    cert_write_new("server.pem",
                   (struct cert_spec){ .cn = "server", .san = "IP:127.0.0.1" },
                   NULL);
    return 0;
}

static inline int certs_tear_down(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

/* What is in a file of the folder, for free(). */
static inline char *certs_text(const char *name)
{
    FILE *f = fopen(certs_path(name), "r");
    char *text = calloc(1, 16 * 1024);

    assert_non_null(f);
    assert_true(fread(text, 1, 16 * 1024 - 1, f) > 0);
    fclose(f);
    return text;
}

/* ---- Revocation --------------------------------------------------------- */

/* The list of what ca has taken back: revoked, or nothing if it is NULL.  It is
 * good until the given day. */
static inline void crl_write(const char *name, const struct cert *ca,
                             const X509 *revoked, int until)
{
    const char *path = certs_path(name), *fresh = certs_path("fresh");
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = X509_gmtime_adj(NULL, -2 * 86400L);

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x509));
    X509_CRL_set1_lastUpdate(crl, t);
    if (revoked) {
        X509_REVOKED *r = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(
            r, (ASN1_INTEGER *)X509_get0_serialNumber(revoked));
        X509_REVOKED_set_revocationDate(r, t);
        assert_true(X509_CRL_add0_revoked(crl, r));
    }
    X509_gmtime_adj(t, until * 86400L);
    X509_CRL_set1_nextUpdate(crl, t);
    assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
    FILE *f = fopen(fresh, "w");
    assert_true(PEM_write_X509_CRL(f, crl));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(fresh, path), 0);
    ASN1_TIME_free(t);
    X509_CRL_free(crl);
}

#endif
