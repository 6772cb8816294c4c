/* SPDX-License-Identifier: MIT */

#include "proto/no_proxy.h"

#include <string.h>

#include "base/str.h"
#include "proto/ip.h"

/* Where a connection is to go. */
struct place {
    struct ws__str host;
    const char *port;
    bool is_ip;
    struct ws__ip ip;
};

/* A name that ends in a dot is the same without. */
static struct ws__str without_last_dot(struct ws__str s)
{
    if (s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

static bool next_entry(const char **rest, struct ws__str *entry)
{
    *rest += strspn(*rest, ", \t");
    entry->p = *rest;
    entry->n = strcspn(*rest, ", \t");
    *rest += entry->n;
    return entry->n > 0;
}

static bool in_network(struct ws__str entry, const struct place *to)
{
    struct ws__cidr net;

    return to->is_ip && ws__cidr_parse(&net, entry) &&
           ws__cidr_has(&net, &to->ip);
}

/* Take a port off the end, and brackets off the rest.  An address without
 * brackets has colons of its own. */
static bool split_port(struct ws__str *entry, struct ws__str *port)
{
    bool literal = entry->p[0] == '[';
    const char *colon = memchr(entry->p, literal ? ']' : ':', entry->n);
    struct ws__ip ip;

    *port = (struct ws__str){ 0 };
    if (!colon || (!literal && ws__ip_parse(&ip, *entry)))
        return !literal;

    size_t n = (size_t)(colon - entry->p);
    struct ws__str rest = { .p = colon + literal, .n = entry->n - n - literal };
    *entry = (struct ws__str){ .p = entry->p + literal, .n = n - literal };
    if (rest.n == 0)
        return true;
    *port = (struct ws__str){ .p = rest.p + 1, .n = rest.n - 1 };
    return rest.p[0] == ':' && port->n > 0;
}

/* ".a.example" ends "x.a.example", "a.example" that and itself. */
static bool ends_in(struct ws__str host, struct ws__str domain)
{
    bool whole = domain.p[0] != '.';

    if (host.n < domain.n)
        return false;
    struct ws__str before = { .p = host.p, .n = host.n - domain.n };
    struct ws__str end = { .p = host.p + before.n, .n = domain.n };
    if (!ws__str_equal_nocase(end, domain))
        return false;
    if (before.n == 0)
        return whole;
    return !whole || before.p[before.n - 1] == '.';
}

static bool names(struct ws__str entry, const struct place *to)
{
    struct ws__str port;
    struct ws__ip ip;

    if (ws__str_is(entry, "*"))
        return true;
    if (memchr(entry.p, '/', entry.n))
        return in_network(entry, to);
    if (!split_port(&entry, &port) ||
        (port.n > 0 && !ws__str_is(port, to->port)))
        return false;
    if (ws__ip_parse(&ip, entry))
        return to->is_ip && ws__ip_same_prefix(&ip, &to->ip, 8 * ip.n);
    if (entry.n > 1 && memcmp(entry.p, "*.", 2) == 0)
        entry = (struct ws__str){ .p = entry.p + 1, .n = entry.n - 1 };
    entry = without_last_dot(entry);
    return entry.n > 0 && !to->is_ip && ends_in(to->host, entry);
}

bool ws__no_proxy(const char *list, const char *host, const char *port)
{
    struct place to = { .host = without_last_dot(ws__str(host)), .port = port };
    struct ws__str entry;

    to.is_ip = ws__ip_parse(&to.ip, to.host);
    if (to.is_ip ? ws__ip_is_loopback(&to.ip)
                 : ws__str_is_nocase(to.host, "localhost"))
        return true;
    while (list && next_entry(&list, &entry))
        if (names(entry, &to))
            return true;
    return false;
}
