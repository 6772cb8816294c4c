/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "base/str.h"
#include "proto/handshake.h"
#include "proto/http_target.h"

struct origin {
    struct ws__str scheme;
    struct ws__str host; /* with brackets, if it has any */
    struct ws__str port; /* empty if it is the scheme's default */
};

static bool is_default(struct ws__str scheme, struct ws__str port)
{
    return (ws__str_is_nocase(scheme, "http") && ws__str_is(port, "80")) ||
           (ws__str_is_nocase(scheme, "https") && ws__str_is(port, "443"));
}

static void split_port(struct origin *o, struct ws__str authority)
{
    size_t colon = authority.n;

    while (colon > 0 && authority.p[colon - 1] >= '0' &&
           authority.p[colon - 1] <= '9')
        colon--;
    bool has = colon > 0 && authority.p[colon - 1] == ':';
    o->host = authority;
    o->port = (struct ws__str){ "", 0 };
    if (!has)
        return;
    o->host.n = colon - 1;
    o->port = (struct ws__str){ authority.p + colon, authority.n - colon };
    if (is_default(o->scheme, o->port))
        o->port.n = 0;
}

/* "scheme://host[:port]" (RFC 6454, section 7). */
static bool parse(struct origin *o, const char *s, bool pattern)
{
    const char *end = strstr(s, "://");

    if (!end || end == s)
        return false;
    o->scheme = (struct ws__str){ .p = s, .n = (size_t)(end - s) };
    struct ws__str authority = ws__str(end + 3);
    struct ws__str checked = authority;
    if (pattern && strncmp(authority.p, "*.", 2) == 0)
        checked = ws__str(authority.p + 2);
    if (checked.n == 0 || !ws__host_valid(checked))
        return false;
    split_port(o, authority);
    return o->host.n > 0;
}

static bool equal(struct ws__str a, struct ws__str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ws__lower(a.p[i]) != ws__lower(b.p[i]))
            return false;
    return true;
}

static bool host_matches(struct ws__str host, struct ws__str pattern)
{
    if (pattern.n < 2 || memcmp(pattern.p, "*.", 2) != 0)
        return equal(host, pattern);

    struct ws__str tail = { pattern.p + 1, pattern.n - 1 };
    if (host.n <= tail.n)
        return false;
    return equal((struct ws__str){ host.p + host.n - tail.n, tail.n }, tail);
}

static bool matches(const struct origin *o, const char *allowed)
{
    struct origin a;

    if (strcmp(allowed, "*") == 0)
        return true;
    return parse(&a, allowed, true) && equal(o->scheme, a.scheme) &&
           equal(o->port, a.port) && host_matches(o->host, a.host);
}

/* The scheme of the Host is not known, behind a proxy least of all; so a
 * default port in it is compared by the Origin's scheme. */
static bool is_same(const struct origin *o, const char *host)
{
    struct origin own = { .scheme = o->scheme };

    split_port(&own, ws__str(host));
    return equal(o->host, own.host) && equal(o->port, own.port);
}

bool ws__origin_allowed(const ws_request *r, const char *const *allowed)
{
    const char *text = ws_header_get(r->headers, "Origin");
    struct origin o;

    if (!text)
        return true;
    if (!parse(&o, text, false))
        return allowed && allowed[0] && strcmp(allowed[0], "*") == 0;
    if (is_same(&o, r->host))
        return true;
    for (; allowed && *allowed; allowed++)
        if (matches(&o, *allowed))
            return true;
    return false;
}

bool ws_any_origin(const ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
    return true;
}
