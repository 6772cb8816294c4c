/* SPDX-License-Identifier: MIT */

/*
 * A certificate as a handler sees it.  Whoever made it chose every byte: so all
 * strings are first written into one text, one behind the other, in which nothing
 * but printable ASCII is left between the NULs that end them, and then taken from
 * there in the same order.
 */

#include "io/tls_cert.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "io/tls_pin.h"

/* ---- Writing: each returns whether there was memory ---------------------- */

static bool cert_put(BIO *out, const char *s)
{
    return BIO_puts(out, s) == (int)strlen(s);
}

static bool cert_put_end(BIO *out)
{
    return BIO_write(out, "", 1) == 1;
}

static bool cert_put_hex(BIO *out, const unsigned char *p, size_t n)
{
    bool done = true;

    for (size_t i = 0; done && i < n; i++)
        done = BIO_printf(out, "%02x", p[i]) == 2;
    return done;
}

static bool cert_put_bytes(BIO *out, const unsigned char *p, int n)
{
    bool done = true;

    for (int i = 0; done && i < n; i++) {
        bool is_plain = p[i] >= ' ' && p[i] < 0x7f && p[i] != '\\';

        done = is_plain ? BIO_write(out, p + i, 1) == 1
                        : BIO_printf(out, "\\%02X", p[i]) == 3;
    }
    return done;
}

/* In UTF-8, unless it is of a type that has no characters. */
static bool cert_put_string(BIO *out, const ASN1_STRING *s)
{
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, s);

    bool done = n >= 0 ? cert_put_bytes(out, utf8, n)
                       : cert_put_bytes(out, ASN1_STRING_get0_data(s),
                                        ASN1_STRING_length(s));
    OPENSSL_free(utf8);
    return done;
}

static bool cert_put_name(BIO *out, const X509_NAME *name)
{
    return X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0;
}

static bool cert_put_common_name(BIO *out, const X509_NAME *name)
{
    int last = -1, i = -1;

    while ((i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0)
        last = i;
    return last < 0 ||
           cert_put_string(
               out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
}

static bool cert_put_oid(BIO *out, const ASN1_OBJECT *oid)
{
    char text[256];
    int n = OBJ_obj2txt(text, sizeof(text), oid, 1);

    return n < 0 || n >= (int)sizeof(text) || cert_put(out, text);
}

static bool cert_put_ip(BIO *out, const ASN1_OCTET_STRING *ip)
{
    const unsigned char *p = ASN1_STRING_get0_data(ip);
    int n = ASN1_STRING_length(ip);
    char text[INET6_ADDRSTRLEN];

    if (n != 4 && n != 16)
        return cert_put_bytes(out, p, n);
    inet_ntop(n == 4 ? AF_INET : AF_INET6, p, text, sizeof(text));
    return cert_put(out, text);
}

/* A text as it is, anything else in DER (RFC 4514, section 2.4). */
static bool cert_put_other(BIO *out, const OTHERNAME *other)
{
    const ASN1_TYPE *v = other->value;
    unsigned char *der = NULL;

    if (!cert_put_oid(out, other->type_id) || !cert_put(out, ":"))
        return false;
    if (v->type == V_ASN1_UTF8STRING || v->type == V_ASN1_IA5STRING ||
        v->type == V_ASN1_PRINTABLESTRING)
        return cert_put_string(out, v->value.asn1_string);
    int n = i2d_ASN1_TYPE(v, &der);
    bool done =
        n >= 0 && cert_put(out, "#") && cert_put_hex(out, der, (size_t)n);
    OPENSSL_free(der);
    return done;
}

static bool cert_put_alternative(BIO *out, const GENERAL_NAME *g)
{
    switch (g->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
        return cert_put_bytes(out, ASN1_STRING_get0_data(g->d.ia5),
                              ASN1_STRING_length(g->d.ia5));
    case GEN_IPADD:
        return cert_put_ip(out, g->d.iPAddress);
    case GEN_DIRNAME:
        return cert_put_name(out, g->d.directoryName);
    case GEN_RID:
        return cert_put_oid(out, g->d.registeredID);
    case GEN_OTHERNAME:
        return cert_put_other(out, g->d.otherName);
    default: /* X.400 and EDI */
        return true;
    }
}

static ws_cert_name_type cert_name_type(const GENERAL_NAME *g)
{
    switch (g->type) {
    case GEN_DNS:
        return WS_NAME_DNS;
    case GEN_EMAIL:
        return WS_NAME_EMAIL;
    case GEN_URI:
        return WS_NAME_URI;
    case GEN_IPADD:
        return WS_NAME_IP;
    case GEN_DIRNAME:
        return WS_NAME_DIRECTORY;
    case GEN_RID:
        return WS_NAME_ID;
    default:
        return WS_NAME_OTHER;
    }
}

/* ---- All of it ---------------------------------------------------------- */

static bool cert_put_hashes(BIO *out, const X509 *x)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char pin[WS__TLS_PIN];

    return X509_digest(x, EVP_sha256(), hash, NULL) == 1 &&
           cert_put_hex(out, hash, sizeof(hash)) && cert_put_end(out) &&
           ws__tls_pin_of(x, pin) && cert_put(out, pin) && cert_put_end(out);
}

static bool cert_put_serial(BIO *out, const X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

    return cert_put_hex(out, ASN1_STRING_get0_data(serial),
                        (size_t)ASN1_STRING_length(serial));
}

/* In the order in which cert_take takes them. */
static bool cert_put_all(BIO *out, const X509 *x, const GENERAL_NAMES *names)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    bool done = cert_put_name(out, subject) && cert_put_end(out) &&
                cert_put_common_name(out, subject) && cert_put_end(out) &&
                cert_put_name(out, X509_get_issuer_name(x)) &&
                cert_put_end(out) && cert_put_serial(out, x) &&
                cert_put_end(out) && cert_put_hashes(out, x);

    for (int i = 0; done && i < sk_GENERAL_NAME_num(names); i++)
        done = cert_put_alternative(out, sk_GENERAL_NAME_value(names, i)) &&
               cert_put_end(out);
    return done;
}

static const char *cert_next(const char **rest)
{
    const char *s = *rest;

    *rest += strlen(s) + 1;
    return s;
}

static void cert_take(ws_cert *c, const char *text, const GENERAL_NAMES *names)
{
    ws_cert_name *name = (ws_cert_name *)(c + 1);

    c->subject = cert_next(&text);
    c->common_name = cert_next(&text);
    c->issuer = cert_next(&text);
    c->serial = cert_next(&text);
    c->sha256 = cert_next(&text);
    c->pin = cert_next(&text);
    c->names = name;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        *name++ =
            (ws_cert_name){ cert_name_type(sk_GENERAL_NAME_value(names, i)),
                            cert_next(&text) };
}

static int64_t cert_seconds(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

/* One block: the certificate, its names, the text, and the DER. */
static ws_cert *cert_fill(const X509 *x, BIO *out, const GENERAL_NAMES *names)
{
    int n = sk_GENERAL_NAME_num(names);
    size_t list = ((size_t)(n > 0 ? n : 0) + 1) * sizeof(ws_cert_name);
    int der_len = i2d_X509(x, NULL);
    char *text;
    size_t len = (size_t)BIO_get_mem_data(out, &text);

    if (der_len <= 0)
        return NULL;
    ws_cert *c = ws__zalloc(sizeof(*c) + list + len + (size_t)der_len);
    if (!c)
        return NULL;
    char *copy = (char *)(c + 1) + list;
    unsigned char *der = (unsigned char *)copy + len;
    memcpy(copy, text, len);
    cert_take(c, copy, names);
    c->der = der;
    c->der_len = (size_t)der_len;
    i2d_X509(x, &der);
    c->not_before = cert_seconds(X509_get0_notBefore(x));
    c->not_after = cert_seconds(X509_get0_notAfter(x));
    return c;
}

static ws_cert *cert_of(const X509 *x)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    BIO *out = BIO_new(BIO_s_mem());
    ws_cert *c = NULL;

    if (out && cert_put_all(out, x, names))
        c = cert_fill(x, out, names);
    BIO_free(out);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return c;
}

ws_cert *ws__tls_cert_new(const SSL *ssl)
{
    const X509 *x = SSL_get0_peer_certificate(ssl);
    ws_cert *c = x ? cert_of(x) : NULL;

    if (c)
        c->verified = SSL_get_verify_result(ssl) == X509_V_OK;
    return c;
}
