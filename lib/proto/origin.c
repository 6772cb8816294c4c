/* SPDX-License-Identifier: MIT */

#include "proto/origin.h"

#include <string.h>

#include "base/error.h"
#include "base/line.h"
#include "base/str.h"
#include "proto/http_target.h"

struct origin {
    struct ws__str scheme;
    struct ws__str host; /* with brackets, if it has any; empty for a file */
    struct ws__str port; /* empty if it is the scheme's default */
};

static bool is_default(struct ws__str scheme, struct ws__str port)
{
    return (ws__str_is_nocase(scheme, "http") && ws__str_is(port, "80")) ||
           (ws__str_is_nocase(scheme, "https") && ws__str_is(port, "443"));
}

static void split_origin_port(struct origin *o, struct ws__str authority)
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

/* RFC 3986, section 3.1. */
static bool is_scheme(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ws__lower(s.p[i]);
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';

        if (!letter && (i == 0 || !other))
            return false;
    }
    return s.n > 0;
}

/* Of a page that has no host, as file:// has none. */
static bool needs_host(struct ws__str scheme)
{
    return ws__str_is_nocase(scheme, "http") ||
           ws__str_is_nocase(scheme, "https");
}

/* "scheme://host[:port]" or "scheme://" (RFC 6454, section 7). */
static bool parse_origin(struct origin *o, struct ws__str s, bool pattern)
{
    const char *colon = memchr(s.p, ':', s.n);
    size_t n = colon ? (size_t)(colon - s.p) : s.n;

    if (s.n - n < 3 || memcmp(s.p + n, "://", 3) != 0)
        return false;
    o->scheme = (struct ws__str){ .p = s.p, .n = n };
    struct ws__str authority = { .p = s.p + n + 3, .n = s.n - n - 3 };
    struct ws__str checked = authority;
    if (pattern && checked.n > 2 && memcmp(checked.p, "*.", 2) == 0)
        checked = (struct ws__str){ .p = checked.p + 2, .n = checked.n - 2 };
    if (!is_scheme(o->scheme) || !ws__host_valid(checked) ||
        (pattern && memchr(checked.p, '*', checked.n)))
        return false;
    split_origin_port(o, authority);
    return o->host.n > 0 || (authority.n == 0 && !needs_host(o->scheme));
}

/* What is pasted from a browser ends in "/". */
static bool parse_allowed(struct origin *o, const char *allowed)
{
    struct ws__str s = ws__str(allowed);

    if (parse_origin(o, s, true))
        return true;
    if (s.n == 0 || s.p[s.n - 1] != '/')
        return false;
    s.n--;
    return parse_origin(o, s, true);
}

static bool host_matches(struct ws__str host, struct ws__str pattern)
{
    if (pattern.n < 2 || memcmp(pattern.p, "*.", 2) != 0)
        return ws__str_equal_nocase(host, pattern);

    struct ws__str tail = { pattern.p + 1, pattern.n - 1 };
    if (host.n <= tail.n)
        return false;
    return ws__str_equal_nocase(
        (struct ws__str){ host.p + host.n - tail.n, tail.n }, tail);
}

static bool is_any(const char *allowed)
{
    return strcmp(allowed, "*") == 0;
}

/* A page that is to have no origin says so (RFC 6454, section 6.1). */
static bool is_null(const char *text)
{
    return strcmp(text, "null") == 0;
}

static bool matches(const struct origin *o, const char *allowed)
{
    struct origin a;

    return parse_allowed(&a, allowed) &&
           ws__str_equal_nocase(o->scheme, a.scheme) &&
           ws__str_equal_nocase(o->port, a.port) &&
           host_matches(o->host, a.host);
}

/* The scheme of the Host is not known, behind a proxy least of all; so a
 * default port in it is compared by the Origin's scheme. */
static bool is_same_origin(const struct origin *o, const char *host,
                           bool *but_port)
{
    struct origin own = { .scheme = o->scheme };

    split_origin_port(&own, ws__str(host));
    bool same_host = o->host.n > 0 && ws__str_equal_nocase(o->host, own.host);
    bool same = same_host && ws__str_equal_nocase(o->port, own.port);
    *but_port = same_host && !same;
    return same;
}

bool ws__origin_allowed(const ws_request *r, const char *const *allowed)
{
    const char *text = ws_header_get(r->headers, "Origin");
    struct origin o;
    bool but_port;

    if (!text)
        return true;
    bool parsed = parse_origin(&o, ws__str(text), false);
    if (parsed && is_same_origin(&o, r->host, &but_port))
        return true;
    for (; allowed && *allowed; allowed++)
        if (is_any(*allowed) || (is_null(*allowed) && is_null(text)) ||
            (parsed && matches(&o, *allowed)))
            return true;
    return false;
}

/* ---- What is wrong ------------------------------------------------------ */

static bool can_match(const char *allowed)
{
    struct origin o;

    return is_any(allowed) || is_null(allowed) || parse_allowed(&o, allowed);
}

int ws__origins_check(const char *const *allowed, ws_error *err)
{
    char quoted[WS__QUOTED];

    while (allowed && *allowed && can_match(*allowed))
        allowed++;
    if (!allowed || !*allowed)
        return 0;
    return ws__fail(err, WS_ERR_INVALID,
                    "allowed_origins: expected scheme://host[:port], \"null\" "
                    "or \"*\", got \"%s\"",
                    ws__quote(quoted, ws__str(*allowed)));
}

/* The most frequent mistakes are a proxy that does not pass on the port, and one
 * that is not trusted. */
static const char *how_host_differs(const char *origin, const ws_request *r)
{
    const char *said = ws_header_get(r->headers, "X-Forwarded-Host");
    struct origin o;
    bool but_port = false;

    if (said && !ws__equal_nocase(said, r->host))
        return "is another (of a proxy's? see trusted_proxies)";
    if (parse_origin(&o, ws__str(origin), false))
        is_same_origin(&o, r->host, &but_port);
    return but_port ? "lacks its port (nginx: pass on $http_host)"
                    : "is another";
}

void ws__origin_refused(ws_error *err, const ws_request *r,
                        const ws_upgrader *u)
{
    const char *origin = ws_header_get(r->headers, "Origin");
    char quoted[WS__QUOTED], host[WS__QUOTED];

    ws__quote(quoted, ws__str(origin ? origin : ""));
    ws__quote(host, ws__str(r->host));
    if (!origin)
        ws__fail(err, WS_ERR_HANDSHAKE,
                 "websocket: check_origin refused a request without Origin");
    else if (u->check_origin)
        ws__fail(err, WS_ERR_HANDSHAKE,
                 "websocket: check_origin refused Origin \"%s\" at Host \"%s\"",
                 quoted, host);
    else
        ws__fail(err, WS_ERR_HANDSHAKE,
                 "websocket: Origin \"%s\" is not in allowed_origins, and Host "
                 "\"%s\" %s",
                 quoted, host, how_host_differs(origin, r));
}

bool ws_any_origin(const ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
    return true;
}
