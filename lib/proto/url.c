/* SPDX-License-Identifier: MIT */

#include "proto/url.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "proto/http_target.h"

static int refuse(ws_error *err, const char *s, const char *why)
{
    return ws__fail(err, WS_ERR_URL, "malformed ws or wss URL: %s: \"%.60s\"",
                    why, s);
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
    bool tls;
    struct ws__str host; /* without brackets */
    struct ws__str port; /* empty: the default */
    bool literal;
    struct ws__str target; /* may lack its '/' */
};

static const char *split_host(struct parts *p, struct ws__str authority)
{
    unsigned long long port = 1;

    if (memchr(authority.p, '@', authority.n))
        return "user information";
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

static const char *split(struct parts *p, const char *s)
{
    struct ws__str rest = ws__str(s);
    const char *fault = byte_fault(s);

    if (fault)
        return fault;
    struct ws__str scheme = cut(&rest, find(rest, ":"));
    p->tls = ws__str_is_nocase(scheme, "wss");
    if (!p->tls && !ws__str_is_nocase(scheme, "ws"))
        return "the scheme is neither ws nor wss";
    if (rest.n < 3 || memcmp(rest.p, "://", 3) != 0)
        return "no \"://\" after the scheme";
    cut(&rest, 3);
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

static void fill(struct ws__url *u, const struct parts *p, char *at)
{
    struct ws__str standard = ws__str(p->tls ? "443" : "80");
    struct ws__str port = p->port.n > 0 ? p->port : standard;
    bool named = !ws__str_is(port, standard.p);

    *at = '\0';
    u->host = begin(&at);
    put(&at, p->host.p, p->host.n);
    u->port = begin(&at);
    put(&at, port.p, port.n);
    u->host_port = begin(&at);
    put(&at, "[", p->literal);
    put(&at, p->host.p, p->host.n);
    put(&at, "]", p->literal);
    put(&at, ":", named);
    put(&at, port.p, named ? port.n : 0);
    u->target = begin(&at);
    put(&at, "/", p->target.n == 0 || p->target.p[0] != '/');
    put(&at, p->target.p, p->target.n);
    u->tls = p->tls;
}

int ws__url_parse(struct ws__url *u, const char *s, ws_error *err)
{
    struct parts p = { 0 };

    *u = (struct ws__url){ 0 };
    if (!s || strlen(s) > INT32_MAX / 4)
        return refuse(err, s ? s : "", "no URL");
    const char *fault = split(&p, s);
    if (fault)
        return refuse(err, s, fault);

    /* Host and port stand twice; the rest is brackets, colon, slash, NULs. */
    u->memory = ws__alloc(2 * p.host.n + 2 * p.port.n + p.target.n + 32);
    if (!u->memory)
        return ws__fail(err, -ENOMEM, "out of memory");
    fill(u, &p, u->memory);
    return 0;
}

void ws__url_fini(struct ws__url *u)
{
    ws_free(u->memory);
    *u = (struct ws__url){ 0 };
}
