/* SPDX-License-Identifier: MIT */

#include "proto/forwarded.h"

#include <string.h>

#include "proto/header.h"
#include "proto/http_target.h"

/* What was said, and where: beside the address that the search ends at. */
struct search {
    const struct ws__trusted *trusted;
    bool begun;
    bool nameless; /* it ended at what is no address */
    struct ws__forwarded found;
};

/*
 * One more hop, from left to right.  The search from the right ends at the last
 * hop that is no trusted proxy, and none goes past it; where that one has no
 * address, the next one, who wrote it, stands in for it.
 */
static void take_hop(struct search *s, const struct ws__forwarded *hop)
{
    bool passes = hop->has_ip && ws__trusted_has(s->trusted, &hop->ip);

    if (s->begun && passes) {
        if (s->nameless) {
            s->found.has_ip = true;
            s->found.ip = hop->ip;
            s->found.port = hop->port;
        }
        s->nameless = false;
        return;
    }
    s->begun = true;
    s->nameless = !hop->has_ip;
    s->found = *hop;
}

static enum ws__said said_by(struct ws__str proto)
{
    if (ws__str_is_nocase(proto, "https") || ws__str_is_nocase(proto, "wss"))
        return WS__SAID_TLS;
    if (ws__str_is_nocase(proto, "http") || ws__str_is_nocase(proto, "ws"))
        return WS__SAID_PLAIN;
    return WS__UNSAID;
}

/* ---- Forwarded (RFC 7239, section 4) ------------------------------------ */

static void skip_n(struct ws__str *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

static bool skip_char(struct ws__str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    skip_n(s, 1);
    return true;
}

static void skip_ows(struct ws__str *s)
{
    while (skip_char(s, ' ') || skip_char(s, '\t'))
        continue;
}

static bool take_value(struct ws__str *s, struct ws__str *word)
{
    *word = (struct ws__str){ .p = s->p };
    while (word->n < s->n && ws__is_token_char(s->p[word->n]))
        word->n++;
    skip_n(s, word->n);
    return word->n > 0;
}

/* What is between the quotation marks, as it stands there: no address, host or
 * scheme needs an escape. */
static bool take_quotation(struct ws__str *s, struct ws__str *value)
{
    *value = (struct ws__str){ .p = s->p };
    while (value->n < s->n && s->p[value->n] != '"')
        value->n += s->p[value->n] == '\\' ? 2 : 1;
    if (value->n >= s->n)
        return false;
    skip_n(s, value->n + 1);
    return true;
}

/* A port may be hidden, too ("_name"); the address is none the worse. */
static void take_node(struct ws__forwarded *hop, struct ws__str node)
{
    const char *name = memchr(node.p, '_', node.n);

    if (name && name > node.p && name[-1] == ':')
        node.n = (size_t)(name - node.p) - 1;
    hop->has_ip = ws__endpoint_parse(&hop->ip, &hop->port, node);
}

/* Returns its bit among those seen. */
static unsigned take_forwarded_param(struct ws__forwarded *hop,
                                     struct ws__str name, struct ws__str value)
{
    if (ws__str_is_nocase(name, "for")) {
        take_node(hop, value);
        return 1;
    }
    if (ws__str_is_nocase(name, "proto")) {
        hop->tls = said_by(value);
        return 2;
    }
    if (ws__str_is_nocase(name, "host")) {
        hop->host = value;
        return 4;
    }
    return ws__str_is_nocase(name, "by") ? 8 : 0; /* or an extension */
}

/* Each parameter at most once.  Returns false where it is malformed. */
static bool take_forwarded_pair(struct ws__str *s, struct ws__forwarded *hop,
                                unsigned *seen)
{
    struct ws__str name, value;

    if (!take_value(s, &name) || !skip_char(s, '='))
        return false;
    if (skip_char(s, '"') ? !take_quotation(s, &value) : !take_value(s, &value))
        return false;
    unsigned bit = take_forwarded_param(hop, name, value);
    bool again = *seen & bit;
    *seen |= bit;
    return !again;
}

/* Up to a comma or the end. */
static bool take_forwarded(struct ws__str *s, struct search *search)
{
    struct ws__forwarded hop = { .port = WS__NO_PORT };
    unsigned seen = 0;
    bool empty = true;

    do {
        skip_ows(s);
        if (s->n > 0 && s->p[0] != ';' && s->p[0] != ',') {
            if (!take_forwarded_pair(s, &hop, &seen))
                return false;
            empty = false;
        }
        skip_ows(s);
    } while (skip_char(s, ';'));
    if (!empty)
        take_hop(search, &hop);
    return s->n == 0 || skip_char(s, ',');
}

static bool read_forwarded(struct search *s, const ws_header *headers)
{
    for (const ws_header *h = headers; h->name; h++) {
        struct ws__str rest = ws__str(h->value);

        if (!ws__equal_nocase(h->name, "Forwarded"))
            continue;
        while (rest.n > 0)
            if (!take_forwarded(&rest, s))
                return false;
    }
    return true;
}

/* ---- X-Forwarded-... ---------------------------------------------------- */

static bool next_listed(struct ws__str *rest, struct ws__str *value)
{
    while (rest->n > 0) {
        const char *comma = memchr(rest->p, ',', rest->n);
        size_t n = comma ? (size_t)(comma - rest->p) : rest->n;

        *value = ws__str_trim((struct ws__str){ .p = rest->p, .n = n });
        skip_n(rest, comma ? n + 1 : n);
        if (value->n > 0)
            return true;
    }
    return false;
}

static void read_for(struct search *s, const ws_header *headers)
{
    struct ws__str value;

    for (const ws_header *h = headers; h->name; h++) {
        struct ws__str rest = ws__str(h->value);

        while (ws__equal_nocase(h->name, "X-Forwarded-For") &&
               next_listed(&rest, &value)) {
            struct ws__forwarded hop = { .port = WS__NO_PORT };
            hop.has_ip = ws__endpoint_parse(&hop.ip, &hop.port, value);
            take_hop(s, &hop);
        }
    }
}

static struct ws__str last_listed(const ws_header *headers, const char *name)
{
    struct ws__str last = { "", 0 };

    for (const ws_header *h = headers; h->name; h++) {
        struct ws__str rest = ws__str(h->value), value;

        while (ws__equal_nocase(h->name, name) && next_listed(&rest, &value))
            last = value;
    }
    return last;
}

static void read_x_forwarded(struct search *s, const ws_header *headers)
{
    read_for(s, headers);
    s->found.tls = said_by(last_listed(headers, "X-Forwarded-Proto"));
    s->found.host = last_listed(headers, "X-Forwarded-Host");
}

/* ---- Both --------------------------------------------------------------- */

static bool agrees_on_client(const struct search *a, const struct search *b)
{
    const struct ws__ip *ip = &a->found.ip;

    if (!a->begun || !b->begun)
        return true;
    if (!a->found.has_ip || !b->found.has_ip)
        return a->found.has_ip == b->found.has_ip;
    return ws__ip_same_prefix(ip, &b->found.ip, 8 * ip->n);
}

static bool agrees_on_host(struct ws__str a, struct ws__str b)
{
    return a.n == 0 || b.n == 0 || ws__str_equal_nocase(a, b);
}

/* What only one of them says counts as well. */
static const char *combine_both(struct ws__forwarded *f, const struct search *a,
                                const struct search *b)
{
    if (!agrees_on_client(a, b))
        return "Forwarded and X-Forwarded-For name different clients";
    if (a->found.tls && b->found.tls && a->found.tls != b->found.tls)
        return "Forwarded and X-Forwarded-Proto name different protocols";
    if (!agrees_on_host(a->found.host, b->found.host))
        return "Forwarded and X-Forwarded-Host name different hosts";
    *f = a->begun ? a->found : b->found;
    f->tls = a->found.tls ? a->found.tls : b->found.tls;
    f->host = a->found.host.n > 0 ? a->found.host : b->found.host;
    return ws__host_valid(f->host) ? NULL : "a proxy names a malformed host";
}

const char *ws__forwarded_read(struct ws__forwarded *f,
                               const ws_header *headers,
                               const struct ws__trusted *trusted)
{
    struct search forwarded = { .trusted = trusted,
                                .found = { .port = WS__NO_PORT } };
    struct search x_forwarded = forwarded;

    if (!read_forwarded(&forwarded, headers))
        return "malformed Forwarded (RFC 7239, section 4)";
    read_x_forwarded(&x_forwarded, headers);
    return combine_both(f, &forwarded, &x_forwarded);
}
