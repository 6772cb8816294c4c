/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_HASH_H
#define WS_HUB_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The longest name that is hashed. */
#define WS__NAME_MAX 255

/* Secret numbers, so that nobody can choose names of one chain. */
struct ws__hash_key {
    uint64_t length;
    uint64_t words[(WS__NAME_MAX + 8) / 8][2];
};

/* Returns 0 or a negated errno. */
int ws__hash_key_init(struct ws__hash_key *k);

/* Of n bytes, at most WS__NAME_MAX; of a pointer. */
uint32_t ws__hash_name(const struct ws__hash_key *k, const char *name,
                       size_t n);
uint32_t ws__hash_pointer(const struct ws__hash_key *k, const void *p);

#endif
