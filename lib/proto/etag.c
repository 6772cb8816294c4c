/* SPDX-License-Identifier: MIT */

#include "proto/etag.h"

#include <string.h>

static bool is_weak(struct ws__str tag)
{
    return tag.n >= 2 && memcmp(tag.p, "W/", 2) == 0;
}

static struct ws__str opaque(struct ws__str tag)
{
    size_t skip = is_weak(tag) ? 2 : 0;

    return (struct ws__str){ tag.p + skip, tag.n - skip };
}

static bool is_etag_char(char c)
{
    unsigned char b = (unsigned char)c;

    return b == 0x21 || (b >= 0x23 && b != 0x7f);
}

/* The length of the tag that s begins with, 0 if it does not. */
static size_t etag_length(struct ws__str s)
{
    size_t n = is_weak(s) ? 2 : 0;

    if (n == s.n || s.p[n++] != '"')
        return 0;
    while (n < s.n && is_etag_char(s.p[n]))
        n++;
    return n < s.n && s.p[n] == '"' ? n + 1 : 0;
}

bool ws__etag_is(struct ws__str s)
{
    return s.n > 0 && etag_length(s) == s.n;
}

bool ws__etag_equal(struct ws__str a, struct ws__str b, bool strong)
{
    if (strong && (is_weak(a) || is_weak(b)))
        return false;
    a = opaque(a);
    b = opaque(b);
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Returns false at the end, and at what is no tag. */
static bool next_etag(struct ws__str *rest, struct ws__str *tag)
{
    while (rest->n > 0 && strchr(" \t,", rest->p[0])) {
        rest->p++;
        rest->n--;
    }
    *tag = (struct ws__str){ rest->p, etag_length(*rest) };
    rest->p += tag->n;
    rest->n -= tag->n;
    return tag->n > 0 && (rest->n == 0 || strchr(" \t,", rest->p[0]));
}

static bool list_has_etag(const char *value, struct ws__str tag, bool strong)
{
    struct ws__str rest = ws__str(value), t;

    if (ws__str_is(ws__str_trim(rest), "*"))
        return true;
    while (next_etag(&rest, &t))
        if (ws__etag_equal(t, tag, strong))
            return true;
    return false;
}

bool ws__etag_listed(const ws_header *headers, const char *name,
                     struct ws__str tag, bool strong)
{
    for (const ws_header *h = headers; h && h->name; h++)
        if (ws__equal_nocase(h->name, name) &&
            list_has_etag(h->value, tag, strong))
            return true;
    return false;
}
