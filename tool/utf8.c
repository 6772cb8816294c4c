/* SPDX-License-Identifier: MIT */

#include "utf8.h"

static size_t utf8_length(unsigned char first, uint32_t *bits)
{
    static const struct {
        unsigned char mask, mark;
    } forms[] = {
        { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 }
    };

    for (size_t i = 0; i < 4; i++)
        if ((first & forms[i].mask) == forms[i].mark) {
            *bits = first & (unsigned char)~forms[i].mask;
            return i + 1;
        }
    return 0;
}

/* Neither longer than need be, nor a surrogate, nor beyond Unicode. */
static bool utf8_is_proper(uint32_t c, size_t length)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    return c >= least[length] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

size_t utf8_next(const char *text, size_t n, uint32_t *character)
{
    const unsigned char *p = (const unsigned char *)text;
    uint32_t c;
    size_t length = utf8_length(p[0], &c);

    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    *character = c;
    return utf8_is_proper(c, length) ? length : 0;
}

bool utf8_is_valid(const char *text, size_t n)
{
    uint32_t c;

    for (size_t i = 0, length; i < n; i += length) {
        length = utf8_next(text + i, n - i, &c);
        if (length == 0)
            return false;
    }
    return true;
}
