/* SPDX-License-Identifier: MIT */

#ifndef TESTS_OPENSSL_ALLOC_H
#define TESTS_OPENSSL_ALLOC_H

/* OpenSSL's memory by a function of the kind that ws_set_allocator takes. */

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <silverback/base.h>

static ws_alloc_fn openssl_alloc_fn;

static inline void *openssl_alloc_new(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_alloc_fn(NULL, n, NULL);
}

static inline void *openssl_alloc_again(void *p, size_t n, const char *file,
                                        int line)
{
    (void)file;
    (void)line;
    return openssl_alloc_fn(p, n, NULL);
}

static inline void openssl_alloc_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    openssl_alloc_fn(p, 0, NULL);
}

/* In main, before anything else. */
static inline void openssl_alloc_install(ws_alloc_fn fn)
{
    openssl_alloc_fn = fn;
    if (CRYPTO_set_mem_functions(openssl_alloc_new, openssl_alloc_again,
                                 openssl_alloc_free))
        return;
    fputs("OpenSSL has memory already\n", stderr);
    abort();
}

#endif
