/* SPDX-License-Identifier: MIT */

#include "proto/url.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "base/str.h"
#include "proto/http_target.h"

/* What a URL is for. */
struct purpose {
    const char *expected;
    struct scheme {
        const char *name;
        const char *port;
        bool tls;
        bool socks;
    } schemes[4];
    const char *not_one; /* when it has none of these schemes */
    const char *unnamed; /* the scheme of a URL without one; NULL: refused */
};

static const struct purpose to_server = {
    .expected = "ws or wss",
    .schemes = {
        { .name = "ws", .port = "80" },
        { .name = "wss", .port = "443", .tls = true },
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

static size_t find(struct ws__str s, const char *any)
{
    size_t i = 0;

    while (i < s.n && !strchr(any, s.p[i]))
        i++;
    return i;
}

/* What may stand in no URL. */
static const char *byte_fault(const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c <= ' ' || c == 0x7f)
            return "a space or control byte";
        if (c > 0x7f)
            return "a byte that is not ASCII (escape it; use punycode for a "
                   "host)";
        if (c == '#')
            return "a fragment";
    }
    return NULL;
}

struct parts {
    const struct scheme *scheme;
    struct ws__str credentials; /* empty: none */
    struct ws__str host;        /* without brackets */
    struct ws__str port;        /* empty: the default */
    bool literal;
    struct ws__str target; /* may lack its '/' */
};

/* Returns the next byte, unescaped, or -1 for a malformed escape. */
static int unescape(struct ws__str *s)
{
    struct ws__str c = cut(s, 1);

    if (*c.p != '%')
        return (unsigned char)*c.p;
    if (s->n < 2)
        return -1;
    struct ws__str digits = cut(s, 2);
    int high = ws__hex_value(digits.p[0]);
    int low = ws__hex_value(digits.p[1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* A colon in the name cannot be told from the one behind it, and control bytes
 * have no place in either (RFC 7617, section 2). */
static const char *credentials_fault(struct ws__str s)
{
    size_t user = find(s, ":");

    for (const char *begin = s.p; s.n > 0;) {
        bool in_user = s.p < begin + user;
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

static const char *split_host(struct parts *p, struct ws__str authority)
{
    unsigned long long port = 1;
    const char *fault = split_credentials(p, &authority);

    if (fault)
        return fault;
    p->literal = authority.n > 0 && authority.p[0] == '[';
    if (!ws__host_valid(authority))
        return "not a host and a port";
    size_t end = find(authority, p->literal ? "]" : ":");
    p->host = cut(&authority, end);
    if (p->literal) {
        cut(&p->host, 1);
        cut(&authority, 1);
    }
    if (p->host.n == 0)
        return "no host";
    if (authority.n > 0)
        cut(&authority, 1);
    p->port = authority;
    if (p->port.n > 0 && (!ws__str_number(p->port, 65535, &port) || port == 0))
        return "a port that is not 1 to 65535";
    return NULL;
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
    if (purpose->unnamed && !strstr(rest->p, "://")) {
        p->scheme = scheme_named(purpose, ws__str(purpose->unnamed));
        return NULL;
    }
    p->scheme = scheme_named(purpose, cut(rest, find(*rest, ":")));
    if (!p->scheme)
        return purpose->not_one;
    if (rest->n < 3 || memcmp(rest->p, "://", 3) != 0)
        return "no \"://\" after the scheme";
    cut(rest, 3);
    return NULL;
}

static const char *split(struct parts *p, const struct purpose *purpose,
                         const char *s)
{
    struct ws__str rest = ws__str(s);
    const char *fault = byte_fault(s);

    if (!fault)
        fault = split_scheme(p, purpose, &rest);
    if (fault)
        return fault;
    struct ws__str authority = cut(&rest, find(rest, "/?"));
    p->target = rest;
    return split_host(p, authority);
}

/* Append to what *at points behind, and end it with a NUL. */
static void put(char **at, const char *p, size_t n)
{
    memcpy(*at, p, n);
    *at += n;
    **at = '\0';
}

static char *begin(char **at)
{
    return **at == '\0' ? ++*at : *at;
}

static void put_authority(char **at, const struct parts *p, struct ws__str port)
{
    put(at, "[", p->literal);
    put(at, p->host.p, p->host.n);
    put(at, "]", p->literal);
    put(at, ":", port.n > 0);
    put(at, port.p, port.n);
}

/* A name without a password has an empty one. */
static void put_credentials(struct ws__url *u, char *at, struct ws__str s)
{
    struct ws__str user = cut(&s, find(s, ":"));

    u->credentials = begin(&at);
    while (user.n > 0)
        put(&at, &(char){ (char)unescape(&user) }, 1);
    u->user_len = (size_t)(at - u->credentials);
    put(&at, ":", 1);
    if (s.n > 0)
        cut(&s, 1);
    while (s.n > 0)
        put(&at, &(char){ (char)unescape(&s) }, 1);
}

static void fill(struct ws__url *u, const struct parts *p, char *at)
{
    struct ws__str standard = ws__str(p->scheme->port);
    struct ws__str port = p->port.n > 0 ? p->port : standard;
    bool named = !ws__str_is(port, standard.p);

    *at = '\0';
    u->host = begin(&at);
    put(&at, p->host.p, p->host.n);
    u->port = begin(&at);
    put(&at, port.p, port.n);
    u->host_port = begin(&at);
    put_authority(&at, p, named ? port : (struct ws__str){ .p = "" });
    u->authority = begin(&at);
    put_authority(&at, p, port);
    u->target = begin(&at);
    put(&at, "/", p->target.n == 0 || p->target.p[0] != '/');
    put(&at, p->target.p, p->target.n);
    if (p->credentials.n > 0)
        put_credentials(u, at, p->credentials);
    u->tls = p->scheme->tls;
    u->socks = p->scheme->socks;
}

static int parse(struct ws__url *u, const struct purpose *purpose,
                 const char *s, ws_error *err)
{
    struct parts p = { 0 };

    *u = (struct ws__url){ 0 };
    if (!s || strlen(s) > INT32_MAX / 4)
        return refuse(err, purpose, s ? s : "", "no URL");
    const char *fault = split(&p, purpose, s);
    if (fault)
        return refuse(err, purpose, s, fault);

    /* Host and port stand three times, everything else once; the rest is five
     * characters of a default port, thrice, brackets, colons, slash and NULs. */
    u->memory = ws__alloc(3 * strlen(s) + 64);
    if (!u->memory)
        return ws__fail(err, -ENOMEM, "out of memory");
    fill(u, &p, u->memory);
    return 0;
}

int ws__url_parse(struct ws__url *u, const char *s, ws_error *err)
{
    return parse(u, &to_server, s, err);
}

int ws__url_parse_proxy(struct ws__url *u, const char *s, ws_error *err)
{
    return parse(u, &to_proxy, s, err);
}

void ws__url_fini(struct ws__url *u)
{
    ws_free(u->memory);
    *u = (struct ws__url){ 0 };
}
