/* SPDX-License-Identifier: MIT */

#include "proto/ip.h"

#include <string.h>

enum { NO_GAP = 17 };

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool begins(struct ws__str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

static void drop(struct ws__str *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

/* ---- IPv4 --------------------------------------------------------------- */

/* A leading zero may mean octal elsewhere. */
static bool take_decimal(struct ws__str *s, uint8_t *out)
{
    struct ws__str digits = { .p = s->p };
    unsigned long long value;

    while (digits.n < s->n && s->p[digits.n] != '.')
        digits.n++;
    if (!ws__str_number(digits, 255, &value) ||
        (digits.n > 1 && digits.p[0] == '0'))
        return false;
    drop(s, digits.n);
    *out = (uint8_t)value;
    return true;
}

static bool parse_v4(uint8_t out[4], struct ws__str s)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !begins(s, "."))
            return false;
        if (i > 0)
            drop(&s, 1);
        if (!take_decimal(&s, &out[i]))
            return false;
    }
    return s.n == 0;
}

/* ---- IPv6 (RFC 4291, section 2.2) --------------------------------------- */

static bool take_group(struct ws__str *s, uint8_t out[2])
{
    unsigned value = 0;
    size_t n = 0;

    for (; n < s->n && n < 4 && ws__hex_value(s->p[n]) >= 0; n++)
        value = value << 4 | (unsigned)ws__hex_value(s->p[n]);
    drop(s, n);
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return n > 0;
}

/* What stands behind a group: the end, one colon and more, or two. */
static bool take_colons(struct ws__str *s, size_t n, size_t *gap)
{
    if (s->n == 0)
        return true;
    if (begins(*s, "::")) {
        bool second = *gap != NO_GAP;
        *gap = n;
        drop(s, 2);
        return !second;
    }
    if (!begins(*s, ":") || s->n == 1)
        return false;
    drop(s, 1);
    return true;
}

/* The two colons stand for at least one group of zeros. */
static bool fill_gap(uint8_t out[16], size_t n, size_t gap)
{
    if (gap == NO_GAP)
        return n == 16;
    if (n == 16)
        return false;
    memmove(out + 16 - (n - gap), out + gap, n - gap);
    memset(out + gap, 0, 16 - n);
    return true;
}

static bool parse_v6(uint8_t out[16], struct ws__str s)
{
    size_t n = 0, gap = NO_GAP;

    if (begins(s, "::")) {
        gap = 0;
        drop(&s, 2);
    }
    while (s.n > 0) {
        if (n <= 12 && parse_v4(out + n, s)) {
            n += 4;
            break;
        }
        if (n == 16 || !take_group(&s, out + n))
            return false;
        n += 2;
        if (!take_colons(&s, n, &gap))
            return false;
    }
    return fill_gap(out, n, gap);
}

/* ---- Either ------------------------------------------------------------- */

bool ws__ip_parse(struct ws__ip *ip, struct ws__str s)
{
    *ip = (struct ws__ip){ .n = 4 };
    if (parse_v4(ip->bytes, s))
        return true;
    ip->n = 16;
    if (!parse_v6(ip->bytes, s))
        return false;
    if (memcmp(ip->bytes, mapped, sizeof(mapped)) == 0) {
        memmove(ip->bytes, ip->bytes + sizeof(mapped), 4);
        ip->n = 4;
    }
    return true;
}

bool ws__ip_is_loopback(const struct ws__ip *ip)
{
    static const uint8_t one[16] = { [15] = 1 };

    if (ip->n == 4)
        return ip->bytes[0] == 127;
    return memcmp(ip->bytes, one, sizeof(one)) == 0;
}

bool ws__ip_is_link_local(const struct ws__ip *ip)
{
    return ip->n == 16 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool ws__ip_same_prefix(const struct ws__ip *a, const struct ws__ip *b,
                        size_t bits)
{
    size_t whole = bits / 8;

    if (a->n != b->n || bits > 8 * a->n ||
        memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    return (a->bytes[whole] ^ b->bytes[whole]) >> (8 - bits % 8) == 0;
}
