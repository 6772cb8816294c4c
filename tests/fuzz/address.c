/* SPDX-License-Identifier: MIT */

/* Addresses, networks, lists of them: held against the system's inet_pton, and
 * written and read again. */

#include <arpa/inet.h>

#include "fuzz/fuzz.h"

#include "proto/ip.h"
#include "proto/no_proxy.h"
#include "proto/trusted.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool same_ip(const struct ws__ip *a, const struct ws__ip *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* What the system makes of it. */
static bool system_parse(struct ws__ip *ip, const char *s)
{
    uint8_t v6[16];

    *ip = (struct ws__ip){ .n = 4 };
    if (inet_pton(AF_INET, s, ip->bytes) == 1)
        return true;
    if (inet_pton(AF_INET6, s, v6) != 1)
        return false;
    bool v4 = memcmp(v6, mapped, sizeof(mapped)) == 0;
    ip->n = v4 ? 4 : 16;
    memcpy(ip->bytes, v4 ? v6 + sizeof(mapped) : v6, ip->n);
    return true;
}

static void check_text(const struct ws__ip *ip, int port)
{
    char text[WS__ENDPOINT_LEN];
    struct ws__ip again, peer;
    int same_port;

    ws__endpoint_text(text, ip, port);
    CHECK(ws__endpoint_parse(&again, &same_port, ws__str(text)));
    CHECK(same_ip(&again, ip) && same_port == port);
    CHECK(ws__ip_of_peer(&peer, text) && same_ip(&peer, ip));
}

static void check_ip(struct ws__str s, const char *string)
{
    struct ws__ip ip, theirs, end;
    int port;
    bool parsed = ws__ip_parse(&ip, s);

    if (strlen(string) == s.n) {
        CHECK(parsed == system_parse(&theirs, string));
        CHECK(!parsed || same_ip(&ip, &theirs));
    }
    if (parsed)
        check_text(&ip, WS__NO_PORT);
    if (ws__endpoint_parse(&end, &port, s)) {
        CHECK(port >= WS__NO_PORT && port <= 65535);
        check_text(&end, port);
    } else {
        CHECK(!parsed);
    }
    (void)ws__ip_of_peer(&ip, string);
}

/* Bit by bit. */
static bool slow_has(const struct ws__cidr *c, const struct ws__ip *ip)
{
    if (c->ip.n != ip->n)
        return false;
    for (size_t i = 0; i < c->bits; i++)
        if ((c->ip.bytes[i / 8] ^ ip->bytes[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* "NETWORK ADDRESS" */
static void check_network(struct ws__str s)
{
    struct ws__str net = ws__str_take_until(&s, ' ');
    struct ws__cidr c;
    struct ws__ip ip;

    if (!ws__cidr_parse(&c, net))
        return;
    CHECK(c.bits <= 8 * c.ip.n && ws__cidr_has(&c, &c.ip));
    if (ws__ip_parse(&ip, s))
        CHECK(ws__cidr_has(&c, &ip) == slow_has(&c, &ip));
}

static void check_trusted(const char *string)
{
    const char *const list[] = { string, "unix", NULL };
    struct ws__trusted *t;
    struct ws__cidr c;
    ws_error err = { 0 };
    int r = ws__trusted_new(&t, list, &err);

    check_error(r, &err);
    CHECK((r == 0) ==
          (strcmp(string, "unix") == 0 || ws__cidr_parse(&c, ws__str(string))));
    CHECK(r == 0 || (r == WS_ERR_INVALID && !t));
    ws_free(t);
}

/* "HOST PORT LIST": an entry more changes a no to a yes at most. */
static void check_list(struct input in)
{
    char *host = string_of(take_until(&in, ' '));
    char *port = string_of(take_until(&in, ' '));
    char *list = string_of(as_str(in));
    size_t n = strlen(list) + strlen(host) + 16;
    char *more = malloc(n);

    CHECK(more);
    bool is = ws__no_proxy(list, host, port);
    snprintf(more, n, "%s,other.example", list);
    CHECK(!is || ws__no_proxy(more, host, port));
    snprintf(more, n, "%s *", list);
    CHECK(ws__no_proxy(more, host, port));
    free(more);
    free(list);
    free(port);
    free(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    unsigned kind = take_byte(&in) & 3;
    char *string = string_of(as_str(in));

    switch (kind) {
    case 0:
        check_ip(as_str(in), string);
        break;
    case 1:
        check_network(as_str(in));
        break;
    case 2:
        check_trusted(string);
        break;
    default:
        check_list(in);
    }
    free(string);
    return 0;
}
