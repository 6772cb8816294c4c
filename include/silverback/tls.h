/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_TLS_H
#define SILVERBACK_TLS_H

#include "base.h"

WS_BEGIN_DECLS

/* ---- How to speak it ---------------------------------------------------- */

/* A certificate and its key, in PEM: from files, or from text in memory, which
 * ends with NUL.  Behind the certificate stand those that lead to its root.  A key
 * with a password is refused. */
typedef struct ws_tls_cert {
    const char *cert_file; /* this */
    const char *key_file;  /* NULL: where the certificate is */
    const char *cert_pem;  /* or this */
    const char *key_pem;   /* the same */
} ws_tls_cert;

enum {
    WS_TLS_1_2 = 0x0303,
    WS_TLS_1_3 = 0x0304,
};

/* Whether a server wants certificates of its clients.  One that is shown is
 * verified in either case: who shows a bad one is refused. */
typedef enum ws_client_certs {
    WS_CLIENT_CERTS_DEFAULT,  /* required if there is a CA, else none */
    WS_CLIENT_CERTS_NONE,     /* not asked for */
    WS_CLIENT_CERTS_OPTIONAL, /* who has none is served, too */
    WS_CLIENT_CERTS_REQUIRED,
} ws_client_certs;

/*
 * Certificates, and whom to trust.  Zero is default throughout.  Everything that
 * is given is PEM, in files or in memory.  A server reads its files when the
 * listener starts, and each anew when it has changed; a client reads them for a
 * dial, unless they are as an earlier one with the same settings found them.  Both
 * look at them once a second at most.
 *
 * WS_ERR_TLS, with where it is and what is wrong with it: for what cannot be
 * read, a key that is not its certificate's, a cipher that there is none of.
 * WS_ERR_INVALID for fields that contradict each other.
 */
typedef struct ws_tls {
    /* server: required, in one of its forms; client: if it is asked */
    const char *cert_file;
    const char *key_file; /* NULL: in cert_file */

    /* server: whose client certificates are good; client: NULL: the system's
     * roots */
    const char *ca_file;
    const char *server_name; /* client: NULL for the URL's host */

    /* client: for tests only, and logged each time, unless there is a
     * pinned_key */
    bool insecure_skip_verify;
    bool key_log; /* append the secrets of connections to the file that the
                   * environment's SSLKEYLOGFILE names, if it does */

    const char *cert_pem; /* instead of cert_file */
    const char *key_pem;  /* instead of key_file; NULL: in cert_pem */
    const char *ca_pem;   /* beside ca_file, or instead of it */

    /* Certificates that their CA has taken back.  If one of the two is given,
     * there has to be a list, and a current one, of each CA on the way to the
     * root. */
    const char *crl_file;
    const char *crl_pem;

    /* server: as above; optional and required need a CA */
    ws_client_certs client_certs;

    /*
     * server: further certificates; ends with {0}.  The client's SNI (RFC 6066,
     * section 3) chooses the one that has this name among its subjectAltNames:
     * the very name before a wildcard, which stands for one label; of several the
     * first that the client can do with (ECDSA before RSA, say).  Without a
     * cert_file the first of these is the default one.
     */
    const ws_tls_cert *certs;

    /* server: who asks for a name that no certificate has, or for none, is sent
     * the alert unrecognized_name; false: the default certificate */
    bool strict_sni;

    int min_version; /* WS_TLS_1_2 or WS_TLS_1_3; 0: 1.2, unless the system's
                      * settings ask for more */

    /* In OpenSSL's words, for TLS 1.2 and for 1.3; NULL: the system's.  A server
     * takes the first of them that the client knows. */
    const char *ciphers;      /* "ECDHE+AESGCM:ECDHE+CHACHA20" */
    const char *ciphersuites; /* "TLS_AES_128_GCM_SHA256" */

    /*
     * client: the server has to have one of these keys: "sha256//" and the
     * SHA-256 of its SubjectPublicKeyInfo in base64 or hex, several with ";"
     * between them, as curl's --pinnedpubkey (and ws_cert.pin) has it.  It is
     * verified none the less, unless insecure_skip_verify says that the pin is
     * all.
     */
    const char *pinned_key;

    /* client: shake hands in full each time.  Otherwise a dial with the same
     * settings, files that did not change, and the same host and port resumes the
     * session of an earlier one (RFC 8446, section 2.2), if the server has given a
     * ticket: a third less CPU, and the server can tell that it is the same client. */
    bool no_resumption;
} ws_tls;

/* ---- Who is at the other end -------------------------------------------- */

/* What kind of name one of a certificate is. */
typedef enum ws_cert_name_type {
    WS_NAME_DNS = 1,
    WS_NAME_EMAIL,
    WS_NAME_URI,
    WS_NAME_IP,        /* "192.0.2.1", "2001:db8::1" */
    WS_NAME_DIRECTORY, /* written as a subject is */
    WS_NAME_ID,        /* an OID, "1.2.3" */
    WS_NAME_OTHER,     /* an OID, ':', and the text: "1.3.6....3:me@corp" */
} ws_cert_name_type;

/* A name that a certificate is for.  Lists of them end with {0}. */
typedef struct ws_cert_name {
    ws_cert_name_type type;
    const char *value;
} ws_cert_name;

/*
 * The certificate of the peer.  Whoever made it chose what is in it: in all
 * strings here a byte that is not printable ASCII, and a backslash in a name, is
 * written as '\' and two hexadecimal digits (RFC 4514, section 2.4), so none ends
 * early, breaks a line or equals one that it is not.
 */
typedef struct ws_cert {
    const char *subject;       /* RFC 4514: "CN=me,O=Us,C=NZ" */
    const char *common_name;   /* of the subject, the last; "" for none */
    const char *issuer;        /* as subject */
    const char *serial;        /* hexadecimal: "0a1b" */
    const ws_cert_name *names; /* its subjectAltNames (RFC 5280, 4.2.1.6) */
    const char *sha256; /* of der, the fingerprint: 64 digits, lower-case */
    const char *pin;    /* of its public key: see ws_tls.pinned_key */
    const void *der;
    size_t der_len;
    int64_t not_before; /* seconds since 1970; 0 if it does not say */
    int64_t not_after;
    bool verified; /* false only for insecure_skip_verify's sake */
} ws_cert;

WS_END_DECLS

#endif
