/* SPDX-License-Identifier: MIT */

#include "limit.h"

#include <string.h>

#include "limit_pack.h"
#include "limit_wire.h"

enum { PACKED = 0x40 }; /* RSV1: RFC 7692, 6 */

typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef uint64_t vec32 __attribute__((vector_size(32), aligned(1), may_alias));

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

bool limit_head(struct limit_head *h, const uint8_t *p, size_t n)
{
    unsigned len7 = n < 2 ? 0 : p[1] & 0x7f;

    h->size = len7 < 126 ? 6 : len7 == 126 ? 8 : LIMIT_HEAD;
    if (n < h->size)
        return false;
    h->len = len7 < 126 ? len7 : big_endian(p + 2, h->size - 6);
    memcpy(h->key, p + h->size - sizeof(h->key), sizeof(h->key));
    return true;
}

bool limit_whole(struct limit_head *h, const uint8_t *p, const uint8_t *end)
{
    size_t n = (size_t)(end - p);

    return limit_head(h, p, n) && n - h->size >= h->len;
}

/* Upwards: where both overlap, what is overwritten has been read. */
static inline __attribute__((always_inline)) void unmask_wide(uint8_t *to,
                                                              const uint8_t *p,
                                                              size_t n,
                                                              uint64_t key)
{
    const vec32 wide = { key, key, key, key };
    size_t i = 0;

    for (; n - i >= sizeof(wide); i += sizeof(wide))
        *(vec32 *)(to + i) = *(const vec32 *)(p + i) ^ wide;
    for (; n - i >= sizeof(key); i += sizeof(key))
        *(word *)(to + i) = *(const word *)(p + i) ^ key;
    for (; i < n; i++)
        to[i] = p[i] ^ ((const uint8_t *)&key)[i % sizeof(key)];
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void unmask_avx2(uint8_t *to,
                                                        const uint8_t *p,
                                                        size_t n, uint64_t key)
{
    unmask_wide(to, p, n, key);
}

static void unmask(uint8_t *to, const uint8_t *p, size_t n, uint64_t key)
{
    if (__builtin_cpu_supports("avx2"))
        unmask_avx2(to, p, n, key);
    else
        unmask_wide(to, p, n, key);
}
#else
#define unmask unmask_wide
#endif

void limit_unmask(uint8_t *to, const uint8_t *p, size_t n,
                  const struct limit_head *h, size_t phase)
{
    uint8_t twice[sizeof(uint64_t)];
    uint64_t key;

    for (size_t i = 0; i < sizeof(twice); i++)
        twice[i] = h->key[(phase + i) % sizeof(h->key)];
    memcpy(&key, twice, sizeof(key));
    unmask(to, p, n, key);
}

uint8_t *limit_echo(uint8_t *to, const uint8_t *p, const struct limit_head *h)
{
    size_t size = h->size - sizeof(h->key);

    memmove(to, p, size);
    to[1] &= 0x7f;
    limit_unmask(to + size, p + h->size, h->len, h, 0);
    return to + size + h->len;
}

/* Write a head that ends at payload, before which there is room for one. */
static uint8_t *put_head(uint8_t *payload, uint8_t first, size_t n)
{
    size_t bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;
    uint8_t *p = payload - 2 - bytes;

    p[0] = first;
    p[1] = (uint8_t)(bytes == 0 ? n : bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < bytes; i++)
        p[2 + i] = (uint8_t)((uint64_t)n >> 8 * (bytes - 1 - i));
    return p;
}

/* Write the payload, which still may have to be deflated. */
static size_t put_payload(uint8_t *to, uint8_t first, const uint8_t *p,
                          size_t n)
{
    if (first & PACKED)
        return limit_deflate(to, p, n);
    memcpy(to, p, n);
    return n;
}

void limit_echo_packed(struct limit_packed *out, uint8_t *p,
                       const struct limit_head *h)
{
    static uint8_t *data;
    static size_t room;
    size_t n = h->len;
    uint8_t first = p[0];

    p += h->size;
    limit_unmask(p, p, n, h, 0);
    if (first & PACKED)
        p = limit_inflate(p, n, &n);
    limit_room(&data, &room, out->len + LIMIT_HEAD + limit_bound(n));
    out->data = data;

    uint8_t *end = data + out->len;
    size_t len = put_payload(end + LIMIT_HEAD, first, p, n);
    uint8_t *head = put_head(end + LIMIT_HEAD, first, len);
    size_t size = (size_t)(end + LIMIT_HEAD - head) + len;

    memmove(end, head, size);
    out->len += size;
}
