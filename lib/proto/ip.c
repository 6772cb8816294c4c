/* SPDX-License-Identifier: MIT */

#include "proto/ip.h"

#include <string.h>

enum {
    NO_GAP = 17,
    GROUPS = 8,
    MAPPED_BITS = 96, /* of an IPv4 address that is mapped into IPv6 */
    PORT_MAX = 65535,
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool begins(struct ws__str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

static void ip_drop(struct ws__str *s, size_t n)
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
    ip_drop(s, digits.n);
    *out = (uint8_t)value;
    return true;
}

static bool parse_v4(uint8_t out[4], struct ws__str s)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !begins(s, "."))
            return false;
        if (i > 0)
            ip_drop(&s, 1);
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
    ip_drop(s, n);
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
        ip_drop(s, 2);
        return !second;
    }
    if (!begins(*s, ":") || s->n == 1)
        return false;
    ip_drop(s, 1);
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
        ip_drop(&s, 2);
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

void ws__ip_of_v6(struct ws__ip *ip, const uint8_t bytes[16])
{
    bool v4 = memcmp(bytes, mapped, sizeof(mapped)) == 0;

    *ip = (struct ws__ip){ .n = v4 ? 4 : 16 };
    memcpy(ip->bytes, v4 ? bytes + sizeof(mapped) : bytes, ip->n);
}

bool ws__ip_parse(struct ws__ip *ip, struct ws__str s)
{
    uint8_t bytes[16] = { 0 };

    *ip = (struct ws__ip){ .n = 4 };
    if (parse_v4(ip->bytes, s))
        return true;
    if (!parse_v6(bytes, s))
        return false;
    ws__ip_of_v6(ip, bytes);
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

/* ---- Text --------------------------------------------------------------- */

static char *write_v4(char *out, const uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        out = ws__decimal(out, bytes[i]);
        *out++ = '.';
    }
    return out - 1;
}

static unsigned ip_group(const uint8_t bytes[16], size_t i)
{
    return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

static char *write_group(char *out, unsigned value)
{
    static const char digits[] = "0123456789abcdef";

    for (int shift = 12; shift >= 0; shift -= 4)
        if (shift == 0 || value >> shift)
            *out++ = digits[value >> shift & 0xf];
    return out;
}

static size_t zeros(const uint8_t bytes[16], size_t i)
{
    size_t n = 0;

    while (i + n < GROUPS && ip_group(bytes, i + n) == 0)
        n++;
    return n;
}

/* The longest run of zeros, the first of such, but never one alone (RFC 5952,
 * section 4.2).  Returns its length. */
static size_t longest_zeros(const uint8_t bytes[16], size_t *at)
{
    size_t longest = 1;

    *at = GROUPS;
    for (size_t i = 0; i < GROUPS; i++)
        if (zeros(bytes, i) > longest) {
            longest = zeros(bytes, i);
            *at = i;
        }
    return longest;
}

static char *write_v6(char *out, const uint8_t bytes[16])
{
    size_t gap, n = longest_zeros(bytes, &gap);

    for (size_t i = 0; i < GROUPS; i++) {
        if (i > 0 || gap == 0)
            *out++ = ':';
        if (i == gap) {
            i += n - 1;
            if (i == GROUPS - 1)
                *out++ = ':';
        } else {
            out = write_group(out, ip_group(bytes, i));
        }
    }
    return out;
}

void ws__endpoint_text(char out[static WS__ENDPOINT_LEN],
                       const struct ws__ip *ip, int port)
{
    if (ip->n == 4) {
        out = write_v4(out, ip->bytes);
    } else {
        *out++ = '[';
        out = write_v6(out, ip->bytes);
        *out++ = ']';
    }
    if (port != WS__NO_PORT) {
        *out++ = ':';
        out = ws__decimal(out, (unsigned)port);
    }
    *out = '\0';
}

/* With the colon before it. */
static bool parse_port(int *port, struct ws__str s)
{
    unsigned long long value;

    ip_drop(&s, 1);
    if (!ws__str_number(s, PORT_MAX, &value))
        return false;
    *port = (int)value;
    return true;
}

/* Brackets are for IPv6 only. */
static bool parse_literal(struct ws__ip *ip, int *port, struct ws__str s)
{
    const char *end = memchr(s.p, ']', s.n);

    if (!end)
        return false;
    struct ws__str host = { .p = s.p + 1, .n = (size_t)(end - s.p) - 1 };
    ip_drop(&s, host.n + 2);
    if (s.n > 0 && !(begins(s, ":") && parse_port(port, s)))
        return false;
    return memchr(host.p, ':', host.n) && ws__ip_parse(ip, host);
}

bool ws__endpoint_parse(struct ws__ip *ip, int *port, struct ws__str s)
{
    *port = WS__NO_PORT;
    if (begins(s, "["))
        return parse_literal(ip, port, s);
    if (ws__ip_parse(ip, s))
        return true;
    const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
    if (!colon)
        return false;
    struct ws__str host = { .p = s.p, .n = (size_t)(colon - s.p) };
    ip_drop(&s, host.n);
    return ws__ip_parse(ip, host) && parse_port(port, s);
}

bool ws__ip_of_peer(struct ws__ip *ip, const char *name)
{
    bool literal = name[0] == '[';
    struct ws__str host = { .p = name + literal };

    host.n = strcspn(host.p, literal ? "%]" : ":");
    return ws__ip_parse(ip, host);
}

/* ---- Networks ----------------------------------------------------------- */

bool ws__cidr_parse(struct ws__cidr *c, struct ws__str s)
{
    const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
    struct ws__str ip = { .p = s.p, .n = slash ? (size_t)(slash - s.p) : s.n };
    unsigned long long bits;

    if (!ws__ip_parse(&c->ip, ip))
        return false;
    c->bits = 8 * c->ip.n;
    if (!slash)
        return true;
    size_t skip = c->ip.n == 4 && memchr(ip.p, ':', ip.n) ? MAPPED_BITS : 0;
    ip_drop(&s, ip.n + 1);
    if (!ws__str_number(s, c->bits + skip, &bits) || bits < skip)
        return false;
    c->bits = (size_t)bits - skip;
    return true;
}

bool ws__cidr_has(const struct ws__cidr *c, const struct ws__ip *ip)
{
    return ws__ip_same_prefix(&c->ip, ip, c->bits);
}
