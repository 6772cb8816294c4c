/* SPDX-License-Identifier: MIT */

#include "proto/uri.h"

#include <string.h>

bool ws__uri_is_unreserved(char c)
{
    char lower = ws__lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

bool ws__uri_is_sub_delim(char c)
{
    return c && strchr("!$&'()*+,;=", c);
}

int ws__uri_escaped(struct ws__str s)
{
    if (s.n < 3 || s.p[0] != '%')
        return -1;
    int high = ws__hex_value(s.p[1]);
    int low = ws__hex_value(s.p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

char *ws__uri_escape(char *out, const char *s, const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";

    for (; *s; s++) {
        if (ws__uri_is_unreserved(*s) || strchr(keep, *s)) {
            *out++ = *s;
            continue;
        }
        *out++ = '%';
        *out++ = hex[(unsigned char)*s >> 4];
        *out++ = hex[*s & 15];
    }
    *out = '\0';
    return out;
}
