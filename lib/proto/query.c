/* SPDX-License-Identifier: MIT */

#include "proto/query.h"

#include <string.h>

#include "proto/uri.h"

/* What is before the first c, which goes too, or all. */
static struct ws__str take_until(struct ws__str *rest, char c)
{
    const char *end = rest->n > 0 ? memchr(rest->p, c, rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct ws__str taken = { rest->p, n };

    n += end ? 1 : 0;
    rest->p += n;
    rest->n -= n;
    return taken;
}

bool ws__query_next(struct ws__str *rest, struct ws__str *name,
                    struct ws__str *value)
{
    struct ws__str pair = { "", 0 };

    while (pair.n == 0 && rest->n > 0)
        pair = take_until(rest, '&');
    *value = pair;
    *name = take_until(value, '=');
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
