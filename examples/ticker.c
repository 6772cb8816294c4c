/* SPDX-License-Identifier: MIT */
/* Prices that change faster than some can read: who is slow gets the newest of
 * each symbol, and what was spared is counted.  ticker [addr]; the page is at
 * http://localhost:8080/, and ticker_client is slow. */

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <silverback.h>

#include "ticker.html.h" /* made from ticker.html by the build */

enum { SYMBOLS = 8 };

static ws_hub *hub;
static ws_event stop;

/* A price each millisecond.  It takes the place of what waits with its key. */
static void trade(void *arg)
{
    double price[SYMBOLS] = { 0 };
    long number[SYMBOLS] = { 0 };
    char text[128], symbol[] = "A";
    ws_publication p = {
        .topic = "prices", .type = WS_TEXT, .data = text, .key = symbol
    };
    unsigned seed = 1;

    (void)arg;
    while (ws_event_wait(&stop, ws_after(1)) == WS_ERR_TIMEOUT) {
        int i = rand_r(&seed) % SYMBOLS;
        symbol[0] = (char)('A' + i);
        price[i] += (rand_r(&seed) % 201 - 100) / 1000.0;
        p.len = (size_t)snprintf(
            text, sizeof(text),
            "{\"symbol\": \"%s\", \"price\": %.2f, \"number\": %ld}", symbol,
            100 + price[i], ++number[i]);
        ws_hub_publish_by(hub, &p, 0, NULL);
    }
}

/* What the kernel has taken is spared nobody: it gets little at a time. */
static void watch(ws_conn *c, void *arg)
{
    static const ws_join_options newest = { .latest = true };
    int most = 4096;
    ws_message m;

    (void)arg;
    setsockopt(ws_fd(c), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
    if (ws_hub_join(hub, c, "prices", &newest, NULL) == 0)
        while (ws_read_message(c, &m) == 0)
            continue;
}

static void counters(ws_request *r, void *arg)
{
    char text[256];
    ws_hub_stats s;

    (void)arg;
    ws_hub_stats_get(hub, &s);
    snprintf(text, sizeof(text),
             "{\"published\": %" PRIu64 ", \"delivered\": %" PRIu64
             ", \"conflated\": %" PRIu64 ", \"dropped\": %" PRIu64 "}",
             s.published, s.delivered, s.conflated, s.dropped);
    ws_reply_json(r, 200, text);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, ticker_html);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/prices", .socket = watch },
        { .path = "/counters", .handler = counters },
        { .path = "/", .handler = home },
        { 0 },
    };
    const char *addr = argc > 1 ? argv[1] : "localhost:8080";

    hub = ws_hub_new(&(ws_hub_options){ .history = -1 }, NULL);
    ws_fiber *trader = ws_go(trade, NULL);
    int failed = ws_serve(&(ws_server){ .addr = addr, .routes = routes }) != 0;
    ws_event_set(&stop);
    ws_join(trader);
    ws_hub_free(hub);
    return failed;
}
