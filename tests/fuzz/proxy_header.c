/* SPDX-License-Identifier: MIT */

/* The header of the PROXY protocol, of both versions: what is read of a prefix
 * is "more", or what is read of the whole; and it is read again. */

#include "fuzz/fuzz.h"

#include "base/poison.h"
#include "proto/proxy_protocol.h"

static bool same(const struct ws__proxied *a, const struct ws__proxied *b)
{
    return a->from == b->from && a->port == b->port && a->tls == b->tls &&
           a->ip.n == b->ip.n &&
           memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes)) == 0 &&
           same_str(a->path, b->path);
}

/* As the bytes come: no prefix is taken for more than it is. */
static void check_prefixes(const uint8_t *p, size_t n, int r,
                           const struct ws__proxied *whole)
{
    struct ws__proxied part;
    int got = 0;

    for (size_t cut = 0; got == 0 && cut <= n; cut++) {
        ws_error err = { 0 };

        ws__poison(p + cut, n - cut);
        got = ws__proxied_read(&part, p, cut, &err);
        ws__unpoison(p + cut, n - cut);
        check_error(got, &err);
        CHECK(got <= (int)cut);
    }
    CHECK(got == r);
    CHECK(r <= 0 || same(&part, whole));
}

static void check_ports(const struct ws__proxied *p)
{
    CHECK(p->from == WS__PROXIED_INET ? p->port >= 0 && p->port <= 65535
                                      : p->port == WS__NO_PORT);
    CHECK(p->from != WS__PROXIED_INET || p->ip.n == 4 || p->ip.n == 16);
    CHECK(p->from == WS__PROXIED_LOCAL || p->path.n == 0);
    CHECK(p->path.n <= 108);
}

/* In version 1, which has no TLS. */
static void check_again(const struct ws__proxied *p)
{
    char ip[WS__ENDPOINT_LEN], line[128];
    struct ws__proxied again;
    ws_error err = { 0 };

    if (p->from != WS__PROXIED_INET)
        return;
    ws__endpoint_text(ip, &p->ip, WS__NO_PORT);
    bool v6 = ip[0] == '[';
    size_t n = strlen(ip) - 2 * v6;
    int len = snprintf(line, sizeof(line), "PROXY TCP%d %.*s %.*s %d 443\r\n",
                       v6 ? 6 : 4, (int)n, ip + v6, (int)n, ip + v6, p->port);
    CHECK(ws__proxied_read(&again, line, (size_t)len, &err) == len);
    again.tls = p->tls;
    CHECK(same(&again, p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws__proxied p;
    ws_error err = { 0 };
    int r = ws__proxied_read(&p, data, size, &err);

    CHECK(r <= (int)size && r <= WS__PROXIED_MAX);
    CHECK(r >= 0 || r == WS_ERR_PROXY);
    check_error(r, &err);
    check_prefixes(data, size, r, &p);
    if (r > 0) {
        check_ports(&p);
        check_again(&p);
    }
    return 0;
}
