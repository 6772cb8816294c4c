/* SPDX-License-Identifier: MIT */

#include "proto/http_target.h"

#include <string.h>

#include "proto/uri.h"

/* Bytes above ASCII are to be escaped, which not every client does. */
static bool is_visible(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '#')
            return false;
    return true;
}

static size_t index_of(struct ws__str s, const char *any)
{
    size_t i = 0;

    while (i < s.n && !(s.p[i] && strchr(any, s.p[i])))
        i++;
    return i;
}

static struct ws__str from(struct ws__str s, size_t at)
{
    return (struct ws__str){ .p = s.p + at, .n = s.n - at };
}

static struct ws__str upto(struct ws__str s, size_t at)
{
    return (struct ws__str){ .p = s.p, .n = at };
}

/* The length of "scheme://" at the beginning; 0 if there is none. */
static size_t scheme(struct ws__str s)
{
    static const char *const known[] = { "http", "https", "ws", "wss" };
    size_t n = index_of(s, ":");

    if (s.n - n < 3 || memcmp(s.p + n, "://", 3) != 0)
        return 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (ws__str_is_nocase(upto(s, n), known[i]))
            return n + 3;
    return 0;
}

bool ws__target_split(struct ws__str target, struct ws__target *t)
{
    *t = (struct ws__target){ .authority = { "", 0 }, .query = { "", 0 } };
    if (target.n == 0 || !is_visible(target))
        return false;
    t->path = target;
    if (ws__str_is(target, "*"))
        return true;
    if (target.p[0] != '/') {
        size_t n = scheme(target);
        if (n == 0)
            return false;
        target = from(target, n);
        n = index_of(target, "/?");
        t->authority = upto(target, n);
        target = from(target, n);
        if (t->authority.n == 0 || !ws__host_valid(t->authority))
            return false;
    }
    size_t path = index_of(target, "?");
    t->path = path > 0 ? upto(target, path) : ws__str("/");
    if (path < target.n)
        t->query = from(target, path + 1);
    return true;
}

/* ---- Paths -------------------------------------------------------------- */

static ptrdiff_t decode(char *out, struct ws__str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%') {
            int byte = ws__uri_escaped(from(s, i));
            if (byte <= 0)
                return -1;
            c = (char)byte;
            i += 2;
        }
        out[n++] = c;
    }
    return (ptrdiff_t)n;
}

static bool is_dots(struct ws__str segment, const char *dots)
{
    return ws__str_is(segment, dots);
}

/* In place, segment by segment (RFC 3986, section 5.2.4). */
static size_t remove_dots(char *p, size_t n)
{
    size_t to = 0;

    for (size_t at = 0; at < n;) {
        struct ws__str rest = { p + at + 1, n - at - 1 };
        size_t len = index_of(rest, "/");
        struct ws__str segment = upto(rest, len);
        bool last = len == rest.n;

        if (is_dots(segment, "..") || is_dots(segment, ".")) {
            if (segment.n == 2)
                while (to > 0 && p[--to] != '/')
                    ;
            if (last)
                p[to++] = '/';
        } else {
            memmove(p + to, p + at, len + 1);
            to += len + 1;
        }
        at += len + 1;
    }
    return to;
}

ptrdiff_t ws__target_path(char *out, struct ws__str path)
{
    struct ws__str rooted = path.n > 0 ? path : ws__str("/");
    ptrdiff_t n = decode(out, rooted);

    if (n <= 0 || (out[0] != '/' && !ws__str_is(path, "*")))
        return -1;
    if (out[0] == '/')
        n = (ptrdiff_t)remove_dots(out, (size_t)n);
    out[n] = '\0';
    return n;
}

/* ---- Host --------------------------------------------------------------- */

/* Unreserved characters, escapes and sub-delimiters (RFC 3986, section
 * 3.2.2). */
static bool is_name(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ws__uri_is_unreserved(s.p[i]) && !ws__uri_is_sub_delim(s.p[i]) &&
            ws__uri_escaped(from(s, i)) < 0)
            return false;
    return true;
}

/* What follows an address and its "%": "25eth0" (RFC 6874, section 2), or as
 * people write it, "eth0" (RFC 9844, section 4). */
static bool is_zone(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ws__uri_is_unreserved(s.p[i]) && ws__uri_escaped(from(s, i)) < 0)
            return false;
    return s.n > 0;
}

/* An IPv6 address, roughly: what it may be made of.  A zone is the client's own
 * name for one of its links, and says nothing here. */
static bool is_literal(struct ws__str s)
{
    size_t end = index_of(s, "%");

    for (size_t i = 0; i < end; i++)
        if (ws__hex_value(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
            return false;
    return end >= 2 && (end == s.n || is_zone(from(s, end + 1)));
}

/* A port may be empty (RFC 3986, section 3.2.3). */
static bool port_valid(struct ws__str s)
{
    unsigned long long port;

    return s.n == 0 || ws__str_number(s, 65535, &port);
}

bool ws__host_valid(struct ws__str host)
{
    bool literal = host.n > 0 && host.p[0] == '[';
    size_t end = index_of(host, literal ? "]" : ":");
    struct ws__str name = upto(host, end);

    if (literal) {
        if (end == host.n || !is_literal(from(name, 1)))
            return false;
        end++;
    } else if (!is_name(name)) {
        return false;
    }
    return end == host.n ||
           (host.p[end] == ':' && port_valid(from(host, end + 1)));
}
