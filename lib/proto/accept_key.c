/* SPDX-License-Identifier: MIT */

#include "proto/accept_key.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/crypto.h"

enum { SHA1_SIZE = 20 };

/* Fetched once, for a fetch takes locks; the loser of a race frees its own. */
static EVP_MD *sha1(void)
{
    static EVP_MD *_Atomic fetched;
    EVP_MD *there = atomic_load(&fetched);

    if (there)
        return there;
    ws__crypto_begin();
    EVP_MD *mine = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (!mine || atomic_compare_exchange_strong(&fetched, &there, mine))
        return mine;
    EVP_MD_free(mine);
    return there;
}

int ws__accept_key(char out[static WS__ACCEPT_LEN + 1], const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[WS__KEY_LEN + sizeof(guid)];
    uint8_t digest[SHA1_SIZE];
    unsigned n = sizeof(digest);
    size_t len = strnlen(key, WS__KEY_LEN);
    EVP_MD *md = sha1();

    memcpy(text, key, len);
    memcpy(text + len, guid, sizeof(guid));
    if (!md ||
        EVP_Digest(text, len + sizeof(guid) - 1, digest, &n, md, NULL) != 1)
        return -ENOMEM;
    ws__base64_encode(out, digest, sizeof(digest));
    return 0;
}
