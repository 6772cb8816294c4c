/* SPDX-License-Identifier: MIT */

/* What a proxy says to CONNECT (RFC 9110, section 9.3.6), or in the turns of
 * SOCKS5 (RFC 1928, RFC 1929): the same in any pieces, and no byte of the
 * server's is taken for the proxy's. */

#include "fuzz/feed.h"

#include "client/tunnel.h"
#include "proto/socks5.h"

/* ---- By way of a stream ------------------------------------------------- */

static int tunnel(struct input in, struct steps steps, const char *by,
                  ws_error *err)
{
    struct feed feed = feed_of(in, steps);
    struct ws__url url, proxy;
    const ws_dialer dialer = { 0 };
    ws_response *resp = NULL;

    CHECK(ws__url_parse(&url, "wss://server.example/x", NULL) == 0);
    CHECK(ws__url_parse_proxy(&proxy, by, NULL) == 0);
    const struct ws__dialing d = {
        .dialer = &dialer,
        .url = &url,
        .proxy = &proxy,
        .err = err,
    };
    int r = ws__tunnel(&d, &feed.stream, &resp);
    if (r == 0)
        CHECK(!resp && feed.heard > 0);
    else
        check_error(r, err);
    CHECK(!resp || (r == WS_ERR_PROXY && resp->status == err->http_status));
    ws_response_free(resp);
    ws__url_fini(&url);
    ws__url_fini(&proxy);
    return r;
}

/* Bytes behind the answer are refused, if they come with it. */
static void check_tunnel(struct input in, struct steps steps, const char *by)
{
    ws_error whole = { 0 }, split = { 0 };
    int r = tunnel(in, (struct steps){ 0 }, by, &whole);
    int again = tunnel(in, steps, by, &split);

    CHECK(r != 0 || again == 0);
}

/* ---- Turn by turn ------------------------------------------------------- */

/* Take one answer of the n bytes at p, of which one more comes each time. */
static int take_slowly(struct ws__socks5 *s, struct input in, ws_error *err)
{
    int r = 0;

    for (size_t n = 1; r == 0 && n <= in.n; n++) {
        uint8_t *p = malloc(n);

        CHECK(p);
        memcpy(p, in.p, n);
        r = ws__socks5_take(s, p, n, err);
        CHECK(r <= (int)n);
        free(p);
    }
    return r;
}

static void check_socks(struct input in, const char *credentials)
{
    struct ws__socks5 whole, slow;
    ws_error err = { 0 }, slow_err = { 0 };
    int r = ws__socks5_begin(&whole, "server.example", 443, credentials,
                             credentials ? 4 : 0, &err);

    CHECK(r == 0);
    while (whole.out_len > 0) {
        CHECK(whole.out_len <= WS__SOCKS5_OUT_MAX);
        slow = whole;
        r = ws__socks5_take(&whole, in.p, in.n, &err);
        CHECK(take_slowly(&slow, in, &slow_err) == r);
        check_error(r, &err);
        if (r <= 0)
            return;
        CHECK((size_t)r <= in.n && slow.out_len == whole.out_len);
        CHECK(memcmp(slow.out, whole.out, whole.out_len) == 0);
        take_bytes(&in, (size_t)r);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const proxies[] = {
        "http://proxy.example:8080",
        "http://user:word@proxy.example",
        "socks5h://proxy.example",
        "socks5h://user:word@proxy.example",
    };
    struct input in = { data, size };
    unsigned settings = take_byte(&in);
    struct steps steps = take_steps(&in);

    if (settings & 4)
        check_socks(in, settings & 1 ? "user:word" : NULL);
    else
        check_tunnel(in, steps, proxies[settings & 3]);
    return 0;
}
