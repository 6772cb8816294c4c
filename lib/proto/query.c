/* SPDX-License-Identifier: MIT */

#include "proto/query.h"

#include "proto/uri.h"

bool ws__query_next(struct ws__str *rest, struct ws__str *name,
                    struct ws__str *value)
{
    struct ws__str pair = { "", 0 };

    while (pair.n == 0 && rest->n > 0)
        pair = ws__str_take_until(rest, '&');
    *value = pair;
    *name = ws__str_take_until(value, '=');
    return pair.n > 0;
}

size_t ws__query_decode(char *out, struct ws__str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int byte = ws__uri_escaped((struct ws__str){ s.p + i, s.n - i });

        out[n++] = byte > 0 ? (char)byte : s.p[i] == '+' ? ' ' : s.p[i];
        i += byte > 0 ? 2 : 0;
    }
    return n;
}
