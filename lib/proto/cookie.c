/* SPDX-License-Identifier: MIT */

#include "proto/cookie.h"

#include <string.h>

static size_t find_char(struct ws__str s, char c)
{
    const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

    return at ? (size_t)(at - s.p) : s.n;
}

static struct ws__str unquote(struct ws__str s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        return (struct ws__str){ s.p + 1, s.n - 2 };
    return s;
}

/* "name=value", blanks around each (RFC 6265, section 5.2, has clients be as
 * lenient). */
static bool split_pair(struct ws__str pair, struct ws__str *name,
                       struct ws__str *value)
{
    size_t n = find_char(pair, '=');

    if (n == pair.n)
        return false;
    *name = ws__str_trim((struct ws__str){ pair.p, n });
    *value = unquote(
        ws__str_trim((struct ws__str){ pair.p + n + 1, pair.n - n - 1 }));
    return name->n > 0;
}

bool ws__cookie_next(struct ws__str *rest, struct ws__str *name,
                     struct ws__str *value)
{
    bool found = false;

    while (!found && rest->n > 0) {
        size_t n = find_char(*rest, ';');

        found = split_pair((struct ws__str){ rest->p, n }, name, value);
        n += n < rest->n ? 1 : 0;
        rest->p += n;
        rest->n -= n;
    }
    return found;
}
