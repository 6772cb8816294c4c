/* SPDX-License-Identifier: MIT */

/*
 * compression [MS]
 *
 * What permessage-deflate costs and saves: for so long (300) a server sends
 * messages of JSON to one client, over a local socket, each in a thread of its
 * own, whose clocks say what writing and reading took.  Prints a line for each
 * way of compressing and each size:
 *
 *     MODE SIZE BYTES-ON-THE-WIRE CPU-NS-OF-THE-WRITER CPU-NS-OF-THE-READER
 *
 * and, for each way, what the library has allocated for a connection that has
 * sent and received one, both ends together:
 *
 *     MODE memory BYTES
 */

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <silverback.h>

/* So many bytes of messages are sent again and again: far more than a window
 * has. */
enum { TOGETHER = 4 * 1024 * 1024, CONNECTIONS = 64 };

static const int sizes[] = { 64, 256, 1024, 4096, 16384, 65536 };

static const struct mode {
    const char *name;
    bool on;
    int bits;
} modes[] = {
    { "off", false, 0 }, { "0", true, 0 },   { "9", true, 9 },
    { "10", true, 10 },  { "11", true, 11 }, { "12", true, 12 },
    { "13", true, 13 },  { "14", true, 14 }, { "15", true, 15 },
};

static struct {
    const struct mode *mode;
    int size;
    int run_ms;
    int sent;
    int64_t write_ns;
    int variety;
    char *messages; /* variety of them, each of so many bytes */
} now;

/* ---- Messages ----------------------------------------------------------- */

static unsigned drawn(unsigned most)
{
    static uint64_t x = 88172645463325252U; /* xorshift */

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x % most);
}

/* A trade, as exchanges tell of it: names that repeat, and digits. */
static size_t put_trade(char *at)
{
    static const char *const symbols[] = { "BTC-EUR", "ETH-EUR", "SOL-EUR",
                                           "XRP-USD", "LTC-USD", "ADA-EUR" };

    return (size_t)sprintf(
        at,
        "{\"symbol\":\"%s\",\"price\":%u.%02u,\"size\":0.%04u,"
        "\"side\":\"%s\",\"time\":17643%08u}",
        symbols[drawn(6)], 100 + drawn(900), drawn(100), drawn(10000),
        drawn(2) == 0 ? "buy" : "sell", drawn(100000000));
}

/* An array of trades, the last one cut. */
static void put_message(char *at, size_t size)
{
    char text[128];

    for (size_t used = 1, n; used < size; used += n) {
        n = put_trade(text);
        text[n++] = ',';
        n = n < size - used ? n : size - used;
        memcpy(at + used, text, n);
    }
    at[0] = '[';
    at[size - 1] = ']';
}

static void make_messages(int size)
{
    now.size = size;
    now.variety = TOGETHER / size;
    now.messages = malloc(TOGETHER);
    if (!now.messages)
        abort();
    for (int i = 0; i < now.variety; i++)
        put_message(now.messages + i * size, (size_t)size);
}

static int write_one(ws_conn *c, int number)
{
    return ws_write_message(c, WS_TEXT,
                            now.messages + number % now.variety * now.size,
                            (size_t)now.size);
}

/* ---- Both ends ---------------------------------------------------------- */

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void send_all(ws_conn *c, void *arg)
{
    int64_t end, begin;
    ws_message m;

    (void)arg;
    if (ws_read_message(c, &m) != 0) /* begin */
        return;
    begin = cpu_ns();
    end = ws_after(now.run_ms);
    for (now.sent = 0; now.sent == 0 || ws_now() < end; now.sent++)
        if (write_one(c, now.sent) != 0)
            return;
    now.write_ns = cpu_ns() - begin;
}

static void echo(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        ws_write_message(c, m.type, m.data, m.len);
}

/* A name of this process's own. */
static void put_url(char *at, size_t n, const char *scheme, const char *path)
{
    snprintf(at, n, "%sunix:@bench-compression-%d%s", scheme, (int)getpid(),
             path);
}

static ws_listener *listen_as(const struct mode *mode, ws_upgrader *u,
                              ws_route *routes)
{
    ws_error err;
    char addr[64];

    put_url(addr, sizeof(addr), "", "");
    *u = (ws_upgrader){ .enable_compression = mode->on,
                        .context_takeover_bits = mode->bits };
    routes[0] =
        (ws_route){ .path = "/send", .socket = send_all, .upgrader = u };
    routes[1] = (ws_route){ .path = "/echo", .socket = echo, .upgrader = u };
    ws_listener *l = ws_listen(
        &(ws_server){ .addr = addr, .routes = routes, .threads = true }, &err);
    if (!l) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return l;
}

/* path: with a colon before it. */
static ws_conn *dial(const struct mode *mode, const char *path)
{
    ws_dialer d = { .enable_compression = mode->on,
                    .context_takeover_bits = mode->bits };
    char url[64];
    ws_error err;

    put_url(url, sizeof(url), "ws+", path);
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return c;
}

/* ---- Time --------------------------------------------------------------- */

static int64_t wire_bytes(const ws_listener *l)
{
    uint64_t counts[WS_COUNTERS];

    ws_stats(l, counts, WS_COUNTERS);
    return (int64_t)counts[WS_COUNT_COMPRESSED_OUT];
}

static void measure_time(const ws_listener *l)
{
    int64_t before = wire_bytes(l), begin;
    ws_conn *c = dial(now.mode, ":/send");
    ws_message m;

    ws_write_text(c, "begin");
    begin = cpu_ns();
    while (ws_read_message(c, &m) == 0)
        ;
    begin = cpu_ns() - begin;
    ws_close(c);

    int64_t wire = wire_bytes(l) - before;
    printf("%s %d %.0f %.0f %.0f\n", now.mode->name, now.size,
           now.mode->on ? (double)wire / now.sent : (double)now.size,
           (double)now.write_ns / now.sent, (double)begin / now.sent);
}

/* ---- Memory ------------------------------------------------------------- */

static atomic_llong allocated;

static void *counting(void *ptr, size_t size, void *arg)
{
    (void)arg;
    atomic_fetch_sub(&allocated, (long long)malloc_usable_size(ptr));
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    void *p = realloc(ptr, size);
    atomic_fetch_add(&allocated, (long long)malloc_usable_size(p));
    return p;
}

static void measure_memory(void)
{
    ws_conn *all[CONNECTIONS + 1];
    long long first = 0;
    ws_message m;

    for (int i = 0; i <= CONNECTIONS; i++) {
        all[i] = dial(now.mode, ":/echo");
        if (write_one(all[i], i) != 0 || ws_read_message(all[i], &m) != 0 ||
            ws_read_message_by(all[i], &m, ws_after(1), NULL) == 0)
            exit(1); /* the last read gives buffers back */
        if (i == 0)  /* has filled the pools */
            first = allocated;
    }
    printf("%s memory %lld\n", now.mode->name,
           (allocated - first) / CONNECTIONS);
    for (int i = 0; i <= CONNECTIONS; i++)
        ws_close(all[i]);
}

static int measure_mode(const struct mode *mode)
{
    ws_upgrader u;
    ws_route routes[3] = { { 0 } };
    ws_listener *l = listen_as(mode, &u, routes);

    now.mode = mode;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        make_messages(sizes[i]);
        measure_time(l);
        if (sizes[i] == 1024)
            measure_memory();
        free(now.messages);
    }
    return ws_listener_shutdown(l, ws_after(10000));
}

int main(int argc, char **argv)
{
    now.run_ms = argc > 1 ? atoi(argv[1]) : 300;
    ws_set_allocator(counting, NULL);
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
        if (measure_mode(&modes[i]) != 0)
            return 1;
    ws_cleanup();
    return 0;
}
