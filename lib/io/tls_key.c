/* SPDX-License-Identifier: MIT */

#include "io/tls_key.h"

#include <string.h>

#include <openssl/evp.h>

static const size_t strings[] = {
    offsetof(ws_tls, cert_file),    offsetof(ws_tls, key_file),
    offsetof(ws_tls, ca_file),      offsetof(ws_tls, server_name),
    offsetof(ws_tls, cert_pem),     offsetof(ws_tls, key_pem),
    offsetof(ws_tls, ca_pem),       offsetof(ws_tls, crl_file),
    offsetof(ws_tls, crl_pem),      offsetof(ws_tls, ciphers),
    offsetof(ws_tls, ciphersuites), offsetof(ws_tls, pinned_key),
};

const char **ws__tls_string(ws_tls *tls, size_t i)
{
    if (i >= sizeof(strings) / sizeof(*strings))
        return NULL;
    return (const char **)(void *)((char *)tls + strings[i]);
}

struct ws__tls_stamps ws__tls_stamps(const ws_tls *tls)
{
    return (struct ws__tls_stamps){ {
        ws__tls_stamp(tls->cert_file),
        ws__tls_stamp(tls->key_file),
        ws__tls_stamp(tls->ca_file),
        ws__tls_stamp(tls->crl_file),
    } };
}

/* None and "" differ, and no string runs into the next. */
static bool key_add(EVP_MD_CTX *md, const char *s)
{
    return EVP_DigestUpdate(md, s ? "s" : "n", 1) == 1 &&
           (!s || EVP_DigestUpdate(md, s, strlen(s) + 1) == 1);
}

static bool key_add_all(EVP_MD_CTX *md, ws_tls tls,
                        const struct ws__tls_stamps *files)
{
    const int numbers[] = { tls.insecure_skip_verify, tls.min_version };
    bool done = EVP_DigestUpdate(md, numbers, sizeof(numbers)) == 1 &&
                EVP_DigestUpdate(md, files, sizeof(*files)) == 1;
    const char **s;

    for (size_t i = 0; done && (s = ws__tls_string(&tls, i)); i++)
        done = key_add(md, *s);
    return done;
}

bool ws__tls_key_make(struct ws__tls_key *key, const ws_tls *tls,
                      const struct ws__tls_stamps *files, const char *peer,
                      const char *host_port)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                key_add_all(md, *tls, files) && key_add(md, peer) &&
                key_add(md, host_port) &&
                EVP_DigestFinal_ex(md, key->of, NULL) == 1;

    EVP_MD_CTX_free(md);
    return done;
}
