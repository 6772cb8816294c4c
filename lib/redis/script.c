/* SPDX-License-Identifier: MIT */

#include "redis/script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/crypto.h"

int ws__redis_script_init(struct ws__redis_script *s, const char *text)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    ws__crypto_begin();
    s->text = text;
    if (EVP_Digest(text, strlen(text), sum, &n, EVP_sha1(), NULL) != 1)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        snprintf(s->sha1 + 2 * i, 3, "%02x", sum[i]);
    return 0;
}
