/* SPDX-License-Identifier: MIT */

#include "base/crypto.h"

#include <openssl/crypto.h>

void ws__crypto_begin(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}
