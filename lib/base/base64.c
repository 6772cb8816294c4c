/* SPDX-License-Identifier: MIT */

#include "base/base64.h"

#include <stdbool.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ws__base64_encode(char *out, const uint8_t *p, size_t n)
{
    for (; n > 0; out += 4) {
        size_t k = n < 3 ? n : 3;
        uint32_t v = (uint32_t)p[0] << 16;

        v |= k > 1 ? (uint32_t)p[1] << 8 : 0;
        v |= k > 2 ? p[2] : 0;
        out[0] = alphabet[v >> 18];
        out[1] = alphabet[v >> 12 & 63];
        out[2] = k > 1 ? alphabet[v >> 6 & 63] : '=';
        out[3] = k > 2 ? alphabet[v & 63] : '=';
        p += k;
        n -= k;
    }
    *out = '\0';
}

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* Four characters of which pad are '='.  Returns -1 if they are not base64, or
 * if bits are set that no byte uses. */
static int32_t group(const char *s, size_t pad)
{
    int32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        int bits = i < 4 - pad ? value_of(s[i]) : 0;

        if (bits < 0)
            return -1;
        v = v << 6 | bits;
    }
    return v & ((1 << 8 * pad) - 1) ? -1 : v;
}

int ws__base64_decode(uint8_t *out, size_t cap, const char *s, size_t n)
{
    size_t len = 0;

    if (n % 4 != 0 || n > INT32_MAX)
        return -1;
    for (size_t i = 0; i < n; i += 4) {
        bool last = i + 4 == n;
        size_t pad = !last || s[i + 3] != '=' ? 0 : s[i + 2] == '=' ? 2 : 1;
        int32_t v = group(s + i, pad);

        if (v < 0 || cap - len < 3 - pad)
            return -1;
        for (size_t k = 0; k < 3 - pad; k++)
            out[len++] = (uint8_t)(v >> (16 - 8 * k));
    }
    return (int)len;
}
