/* SPDX-License-Identifier: MIT */

#include "base/utf8.h"

#include <string.h>

/*
 * The state is what must come next: how many continuation bytes, and the range
 * of the first of them, which is narrower after some lead bytes (RFC 3629,
 * section 4).  0 is between characters.
 */
#define STATE(count, low, high)                                                \
    ((uint32_t)(count) | (uint32_t)(low) << 8 | (uint32_t)(high) << 16)

typedef uint64_t vec16 __attribute__((vector_size(16)));

enum { REFUSED = 0xff, LOW = 0x80, HIGH = 0xbf };

static uint32_t after_lead(uint8_t c)
{
    if (c >= 0xc2 && c <= 0xdf)
        return STATE(1, LOW, HIGH);
    if (c >= 0xe0 && c <= 0xef)
        return STATE(2, c == 0xe0 ? 0xa0 : LOW, c == 0xed ? 0x9f : HIGH);
    if (c >= 0xf0 && c <= 0xf4)
        return STATE(3, c == 0xf0 ? 0x90 : LOW, c == 0xf4 ? 0x8f : HIGH);
    return REFUSED;
}

static uint32_t after_continuation(uint32_t state, uint8_t c)
{
    uint32_t count = state & 0xff;

    if (c < (state >> 8 & 0xff) || c > state >> 16)
        return REFUSED;
    return count > 1 ? STATE(count - 1, LOW, HIGH) : 0;
}

static bool ascii_word(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return (w & 0x8080808080808080u) == 0;
}

static bool ascii_half(const uint8_t *p)
{
    uint32_t w;

    memcpy(&w, p, sizeof(w));
    return (w & 0x80808080u) == 0;
}

/* The number of ASCII bytes at p, as far as words and half a one go. */
static size_t ascii(const uint8_t *p, size_t n)
{
    size_t i = 0;
    vec16 v[4];

    for (; n - i >= sizeof(v); i += sizeof(v)) {
        memcpy(v, p + i, sizeof(v));
        v[0] |= v[1] | v[2] | v[3];
        if ((v[0][0] | v[0][1]) & 0x8080808080808080u)
            break;
    }
    for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t))
        if (!ascii_word(p + i))
            return i;
    if (n - i >= sizeof(uint32_t) && ascii_half(p + i))
        i += sizeof(uint32_t);
    return i;
}

bool ws__utf8_feed(struct ws__utf8 *u, const uint8_t *p, size_t n)
{
    uint32_t state = u->state;

    for (size_t i = 0; i < n && state != REFUSED; i++) {
        if (state == 0 && p[i] < 0x80) {
            i += ascii(p + i, n - i);
            while (i < n && p[i] < 0x80)
                i++;
            if (i == n)
                break;
        }
        state = state == 0 ? after_lead(p[i]) : after_continuation(state, p[i]);
    }
    u->state = state;
    return state != REFUSED;
}

bool ws__utf8_complete(const struct ws__utf8 *u)
{
    return u->state == 0;
}

size_t ws__utf8_cut(const char *s, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && ((uint8_t)s[max] & 0xc0) == 0x80)
        max--;
    return max;
}
