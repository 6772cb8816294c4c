/* SPDX-License-Identifier: MIT */

#include "base/str.h"

#include <string.h>

struct ws__str ws__str(const char *s)
{
    return (struct ws__str){ .p = s, .n = strlen(s) };
}

bool ws__str_is(struct ws__str s, const char *literal)
{
    return strlen(literal) == s.n && memcmp(s.p, literal, s.n) == 0;
}

char ws__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

int ws__hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ws__lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ws__str_equal_nocase(struct ws__str a, struct ws__str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ws__lower(a.p[i]) != ws__lower(b.p[i]))
            return false;
    return true;
}

bool ws__str_is_nocase(struct ws__str s, const char *literal)
{
    for (size_t i = 0; i < s.n; i++)
        if (literal[i] == '\0' || ws__lower(s.p[i]) != ws__lower(literal[i]))
            return false;
    return literal[s.n] == '\0';
}

bool ws__equal_nocase(const char *a, const char *b)
{
    return ws__str_is_nocase(ws__str(a), b);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct ws__str ws__str_trim(struct ws__str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool ws__str_number(struct ws__str s, unsigned long long max,
                    unsigned long long *value)
{
    unsigned long long v = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

        if (digit > 9 || digit > max || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return s.n > 0;
}

struct ws__str ws__str_take_until(struct ws__str *rest, char c)
{
    const char *end = rest->n > 0 ? memchr(rest->p, c, rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct ws__str taken = { rest->p, n };

    n += end ? 1 : 0;
    rest->p += n;
    rest->n -= n;
    return taken;
}

char *ws__str_put(char *p, struct ws__str s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

char *ws__decimal(char *p, unsigned long long n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    memcpy(p, digits + at, sizeof(digits) - at);
    return p + (sizeof(digits) - at);
}
