/* SPDX-License-Identifier: MIT */

#include "proto/url.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "base/str.h"
#include "proto/http_target.h"
#include "proto/ip.h"
#include "proto/uri.h"

/* What a URL is for. */
struct purpose {
    const char *expected;
    struct scheme {
        const char *name;
        const char *port;
        bool tls;
        bool socks;
        bool local; /* a socket's path instead of a host */
    } schemes[4];
    const char *not_one; /* when it has none of these schemes */
    const char *unnamed; /* the scheme of a URL without one; NULL: refused */
};

static const struct purpose to_server = {
    .expected = "ws or wss",
    .schemes = {
        { .name = "ws", .port = "80" },
        { .name = "wss", .port = "443", .tls = true },
        { .name = "ws+unix", .port = "", .local = true },
        { .name = "wss+unix", .port = "", .tls = true, .local = true },
    },
    .not_one = "the scheme is neither ws nor wss",
};

/* socks5 is socks5h: the proxy resolves the name. */
static const struct purpose to_proxy = {
    .expected = "proxy",
    .schemes = {
        { .name = "http", .port = "80" },
        { .name = "https", .port = "443", .tls = true },
        { .name = "socks5", .port = "1080", .socks = true },
        { .name = "socks5h", .port = "1080", .socks = true },
    },
    .not_one = "the scheme is none of http, https, socks5, socks5h",
    .unnamed = "http",
};

static const struct purpose to_redis = {
    .expected = "redis",
    .schemes = {
        { .name = "redis", .port = "6379" },
        { .name = "sentinel", .port = "26379" },
    },
    .not_one = "the scheme is not redis",
};

/* Nobody's password gets into a log. */
static int refuse(ws_error *err, const struct purpose *purpose, const char *s,
                  const char *why)
{
    const char *at = strrchr(s, '@');
    char quote[WS__QUOTED];

    return ws__fail(err, WS_ERR_URL, "malformed %s URL: %s: \"%s%s\"",
                    purpose->expected, why, at ? "..." : "",
                    ws__quote(quote, ws__str(at ? at : s)));
}

static struct ws__str cut(struct ws__str *s, size_t n)
{
    struct ws__str head = { .p = s->p, .n = n };

    s->p += n;
    s->n -= n;
    return head;
}

static size_t url_find(struct ws__str s, const char *any)
{
    size_t i = 0;

    while (i < s.n && !strchr(any, s.p[i]))
        i++;
    return i;
}

/* ---- What may stand where (RFC 3986) ------------------------------------ */

static const char *url_fault(const char *s)
{
    for (; *s; s++) {
        if (ws__is_control(*s))
            return "a control byte";
        if (*s == '#')
            return "a fragment, which means nothing here (%23 is a \"#\")";
    }
    return NULL;
}

/* Browsers make of these something else, each its own: a backslash ends the
 * host, a character that is not ASCII is another one. */
static const char *authority_fault(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == ' ')
            return "a space before the path";
        if (c == '\\')
            return "a backslash before the path";
        if ((unsigned char)c > 0x7f)
            return "not ASCII before the path (punycode is for hosts)";
        if (!ws__uri_is_unreserved(c) && !ws__uri_is_sub_delim(c) &&
            !strchr(":@[]%", c))
            return "a character before the path that no URL has there";
    }
    return NULL;
}

/* What else there is in it is escaped before it is sent. */
static const char *target_fault(struct ws__str s)
{
    for (; s.n > 0; cut(&s, 1))
        if (*s.p == '%' && ws__uri_escaped(s) < 0)
            return "a malformed escape in path or query (%25 is a \"%\")";
    return NULL;
}

struct parts {
    const struct scheme *scheme;
    struct ws__str credentials; /* empty: none */
    struct ws__str host;        /* without brackets and zone */
    struct ws__str zone;        /* empty: none */
    struct ws__str port;        /* empty: the default */
    bool literal;
    struct ws__str path;   /* of a local socket */
    struct ws__str target; /* may lack its '/' */
};

/* Returns the next byte, unescaped, or -1 for a malformed escape. */
static int unescape(struct ws__str *s)
{
    int c = *s->p == '%' ? ws__uri_escaped(*s) : (unsigned char)*s->p;

    cut(s, *s->p == '%' && c >= 0 ? 3 : 1);
    return c;
}

/* A colon in the name cannot be told from the one behind it, and control bytes
 * have no place in either (RFC 7617, section 2). */
static const char *credentials_fault(struct ws__str s)
{
    size_t user = url_find(s, ":");

    for (const char *begin = s.p; s.n > 0;) {
        bool in_user = s.p < begin + user;
        if (strchr("@[]", *s.p))
            return "one of @, [ and ] in the user information, unescaped";

        int c = unescape(&s);
        if (c < 0)
            return "a malformed escape in the user information";
        if (c < ' ' || c == 0x7f)
            return "a control byte in the user information";
        if (c == ':' && in_user)
            return "a colon in the user's name";
    }
    return NULL;
}

static const char *split_credentials(struct parts *p, struct ws__str *authority)
{
    const char *at = memrchr(authority->p, '@', authority->n);

    if (!at)
        return NULL;
    p->credentials = cut(authority, (size_t)(at - authority->p));
    cut(authority, 1);
    return credentials_fault(p->credentials);
}

/* RFC 6874, section 2; the "25" may be left out where nothing else can be
 * meant. */
static const char *split_zone(struct parts *p)
{
    struct ws__str zone = p->host;

    p->host = cut(&zone, url_find(zone, "%"));
    if (zone.n == 0)
        return NULL;
    int c = ws__uri_escaped(zone);
    if ((c >= 0 && c != '%') || (c == '%' && zone.n == 3))
        return "a zone is written [fe80::1%25eth0]";
    cut(&zone, c == '%' ? 3 : 1);
    p->zone = zone;
    while (zone.n > 0) {
        c = unescape(&zone);
        if (c <= ' ' || c == 0x7f)
            return "a control byte or space in the zone";
    }
    return NULL;
}

static const char *split_literal(struct parts *p)
{
    cut(&p->host, 1);
    const char *fault = split_zone(p);
    struct ws__ip ip;

    if (!fault &&
        (url_find(p->host, ":") == p->host.n || !ws__ip_parse(&ip, p->host)))
        return "not an IPv6 address in brackets";
    if (!fault && ws__ip_is_loopback(&ip))
        p->zone.n = 0; /* there is but one, which resolvers do not know */
    return fault;
}

static const char *split_url_port(struct parts *p, struct ws__str s)
{
    unsigned long long port = 1;

    if (s.n > 0 && (!ws__str_number(s, 65535, &port) || port == 0))
        return "a port that is not 1 to 65535";
    cut(&s, strspn(s.p, "0"));
    p->port = s;
    return NULL;
}

static const char *split_host(struct parts *p, struct ws__str authority)
{
    const char *fault = split_credentials(p, &authority);

    if (fault)
        return fault;
    p->literal = authority.n > 0 && authority.p[0] == '[';
    if (!ws__host_valid(authority))
        return "not a host and a port";
    p->host = cut(&authority, url_find(authority, p->literal ? "]" : ":"));
    if (p->host.n == 0)
        return "no host";
    if (!p->literal && url_find(p->host, "%") < p->host.n)
        return "an escape in the host";
    fault = p->literal ? split_literal(p) : NULL;
    cut(&authority, p->literal);
    cut(&authority, authority.n > 0);
    return fault ? fault : split_url_port(p, authority);
}

static const struct scheme *scheme_named(const struct purpose *purpose,
                                         struct ws__str name)
{
    const size_t n = sizeof(purpose->schemes) / sizeof(*purpose->schemes);

    for (size_t i = 0; i < n && purpose->schemes[i].name; i++)
        if (ws__str_is_nocase(name, purpose->schemes[i].name))
            return &purpose->schemes[i];
    return NULL;
}

static const char *split_scheme(struct parts *p, const struct purpose *purpose,
                                struct ws__str *rest)
{
    bool named = !purpose->unnamed || strstr(rest->p, "://");

    p->scheme = scheme_named(purpose, named ? cut(rest, url_find(*rest, ":"))
                                            : ws__str(purpose->unnamed));
    if (!p->scheme)
        return purpose->not_one;
    if (!named)
        return NULL;
    if (p->scheme->local) {
        cut(rest, rest->n > 0);
        return NULL;
    }
    if (rest->n < 3 || memcmp(rest->p, "://", 3) != 0)
        return "no \"://\" after the scheme";
    cut(rest, 3);
    return NULL;
}

/* As ws of npm has it: the first colon ends the socket's path, in which a colon
 * of its own is %3A. */
static const char *split_local(struct parts *p, struct ws__str rest)
{
    if (rest.n > 1 && memcmp(rest.p, "//", 2) == 0)
        cut(&rest, 2);
    p->path = cut(&rest, url_find(rest, ":?"));
    if (p->path.n == 0)
        return "no path of a socket";
    if (rest.n > 0 && *rest.p == '?')
        return "no colon between the socket's path and the query";
    for (struct ws__str s = p->path; s.n > 0;) {
        int c = unescape(&s);

        if (c < ' ' || c == 0x7f)
            return "a malformed escape or a control byte in the socket's path";
    }
    cut(&rest, rest.n > 0);
    p->host = ws__str("localhost");
    p->port = ws__str("");
    p->target = rest;
    return target_fault(rest);
}

static const char *split(struct parts *p, const struct purpose *purpose,
                         const char *s)
{
    struct ws__str rest = ws__str(s);
    const char *fault = url_fault(s);

    if (!fault)
        fault = split_scheme(p, purpose, &rest);
    if (fault)
        return fault;
    if (p->scheme->local)
        return split_local(p, rest);
    struct ws__str authority = cut(&rest, url_find(rest, "/?"));
    p->target = rest;
    fault = authority_fault(authority);
    if (!fault)
        fault = split_host(p, authority);
    return fault ? fault : target_fault(p->target);
}

/* ---- The strings -------------------------------------------------------- */

/* Append to what *at points behind, and end it with a NUL. */
static void url_put(char **at, const char *p, size_t n)
{
    memcpy(*at, p, n);
    *at += n;
    **at = '\0';
}

static char *url_begin(char **at)
{
    return **at == '\0' ? ++*at : *at;
}

static void put_authority(char **at, const struct parts *p, struct ws__str port)
{
    url_put(at, "[", p->literal);
    url_put(at, p->host.p, p->host.n);
    url_put(at, "]", p->literal);
    url_put(at, ":", port.n > 0);
    url_put(at, port.p, port.n);
}

static void put_unescaped(char **at, struct ws__str s)
{
    while (s.n > 0)
        url_put(at, &(char){ (char)unescape(&s) }, 1);
}

/* A path may hold "/:@" beside the usual, a query "?" too (RFC 3986, sections
 * 3.3 and 3.4). */
static void put_target(char **at, struct ws__str s)
{
    static const char digits[] = "0123456789ABCDEF";

    url_put(at, "/", s.n == 0 || s.p[0] != '/');
    for (; s.n > 0; cut(&s, 1)) {
        unsigned char c = (unsigned char)*s.p;
        bool may = ws__uri_is_unreserved(*s.p) || ws__uri_is_sub_delim(*s.p) ||
                   strchr("/:@?%", c);

        if (may)
            url_put(at, s.p, 1);
        else
            url_put(at, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
    }
}

/* A name without a password has an empty one. */
static void put_credentials(struct ws__url *u, char *at, struct ws__str s)
{
    struct ws__str user = cut(&s, url_find(s, ":"));

    u->credentials = url_begin(&at);
    put_unescaped(&at, user);
    u->user_len = (size_t)(at - u->credentials);
    url_put(&at, ":", 1);
    if (s.n > 0)
        cut(&s, 1);
    put_unescaped(&at, s);
}

static void fill(struct ws__url *u, const struct parts *p, char *at)
{
    struct ws__str standard = ws__str(p->scheme->port);
    struct ws__str port = p->port.n > 0 ? p->port : standard;
    bool named = !ws__str_is(port, standard.p);

    *at = '\0';
    u->name = url_begin(&at);
    url_put(&at, p->host.p, p->host.n);
    u->host = url_begin(&at);
    url_put(&at, p->host.p, p->host.n);
    url_put(&at, "%", p->zone.n > 0);
    put_unescaped(&at, p->zone);
    u->port = url_begin(&at);
    url_put(&at, port.p, port.n);
    u->host_port = url_begin(&at);
    put_authority(&at, p, named ? port : (struct ws__str){ .p = "" });
    u->authority = url_begin(&at);
    put_authority(&at, p, port);
    u->target = url_begin(&at);
    put_target(&at, p->target);
    if (p->scheme->local) {
        u->path = url_begin(&at);
        put_unescaped(&at, p->path);
    }
    if (p->credentials.n > 0)
        put_credentials(u, at, p->credentials);
    u->tls = p->scheme->tls;
    u->socks = p->scheme->socks;
}

static int parse_for(struct ws__url *u, const struct purpose *purpose,
                     const char *s, ws_error *err)
{
    struct parts p = { 0 };

    *u = (struct ws__url){ 0 };
    if (!s || strlen(s) > INT32_MAX / 8)
        return refuse(err, purpose, s ? s : "", "no URL");
    const char *fault = split(&p, purpose, s);
    if (fault)
        return refuse(err, purpose, s, fault);

    /* A host stands four times, a port three times, an escaped target takes
     * three times its room, everything else is there once; the rest is five
     * characters of a default port, thrice, or a "localhost" four times, brackets,
     * colons, slash and NULs. */
    u->memory = ws__alloc(4 * strlen(s) + 128);
    if (!u->memory)
        return ws__fail(err, -ENOMEM, "out of memory");
    fill(u, &p, u->memory);
    return 0;
}

int ws__url_parse(struct ws__url *u, const char *s, ws_error *err)
{
    return parse_for(u, &to_server, s, err);
}

int ws__url_parse_proxy(struct ws__url *u, const char *s, ws_error *err)
{
    return parse_for(u, &to_proxy, s, err);
}

int ws__url_parse_redis(struct ws__url *u, const char *s, ws_error *err)
{
    return parse_for(u, &to_redis, s, err);
}

void ws__url_fini(struct ws__url *u)
{
    if (u->credentials)
        explicit_bzero(u->credentials, strlen(u->credentials));
    ws_free(u->memory);
    *u = (struct ws__url){ 0 };
}
