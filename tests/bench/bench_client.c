/* SPDX-License-Identifier: MIT */
/* A client of an echo server, with as many connections as bench_load has by
 * itself, all in one ws_run: what it costs is measured, not what it talks
 * to. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <silverback.h>

#include "figures.h"
#include "load_frames.h"
#include "load_options.h"

static const char usage[] =
    "usage: bench_client [OPTION...] PORT\n"
    "\n"
    "Talks to the echo server at ws://127.0.0.1:PORT/, and prints what that\n"
    "took itself as one object of JSON.\n"
    "  --connections N  how many (64)\n"
    "  --size N         bytes of a message (20)\n"
    "  --binary         not text\n"
    "  --deflate        permessage-deflate, without context takeover\n"
    "  --tls            wss; the certificate has to be cert.pem\n"
    "  --connect        dial and close, N at a time\n"
    "  --resume         with --connect --tls, resume sessions\n"
    "  --seconds S      how long to measure (1)\n"
    "  --warmup S       after how long (0.2)\n";

enum { MOST = 1024, PATIENCE_MS = 30000, TIMES = 100 };

static struct load_options options;
static struct frames frames;
static char url[64];
static ws_tls tls = { .ca_file = "cert.pem", .server_name = "localhost" };
static ws_dialer dialer;
static uint64_t count;
static bool timing, over;

static ws_conn *dial(void)
{
    ws_error e;
    ws_conn *c = ws_dial(&dialer, url, NULL, NULL, &e);

    if (!c)
        load_fail("dial: %s", e.text);
    return c;
}

static void note(uint64_t since)
{
    count++;
    if (timing)
        figures_add(figures_now() - since);
}

static void exchange(ws_conn *c, size_t slot)
{
    const uint8_t *text = frames_plain(&frames, slot);
    uint64_t since = figures_now();
    ws_message m;
    int error = ws_write_message(c, options.binary ? WS_BINARY : WS_TEXT, text,
                                 options.size);

    if (error == 0)
        error = ws_read_message(c, &m);
    if (error != 0)
        load_fail("%s", ws_strerror(error));
    if (m.len != options.size ||
        (count % options.check == 0 && memcmp(m.data, text, m.len) != 0))
        load_fail("expected the message that was sent, of %zu bytes",
                  options.size);
    note(since);
}

static void talk(void *arg)
{
    size_t slot = *(size_t *)arg % frames.slots;
    ws_conn *c = dial();

    while (!over) {
        exchange(c, slot);
        slot = slot + 1 < frames.slots ? slot + 1 : 0;
    }
    ws_close(c);
}

static void dial_again(void *arg)
{
    (void)arg;
    while (!over) {
        uint64_t since = figures_now();
        ws_conn *c = dial();
        int error = ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));

        if (error != 0)
            load_fail("close: %s", ws_strerror(error));
        ws_close(c);
        note(since);
    }
}

/* Up to a hundred times as long if nothing was counted, as bench_load does. */
static void measure(void)
{
    ws_sleep((int64_t)(options.warmup * 1000));
    uint64_t n = count, time = figures_now(), cpu = figures_cpu(getpid());

    timing = true;
    for (int i = 0; i == 0 || (i < TIMES && count == n); i++)
        ws_sleep((int64_t)(options.seconds * 1000));
    timing = false;
    n = count - n;
    cpu = figures_cpu(getpid()) - cpu;
    time = figures_now() - time;
    if (n == 0)
        load_fail("nothing came in %.1f s", TIMES * options.seconds);
    printf("{\"count\": %" PRIu64 ", \"seconds\": %.6f, \"per_second\": %.1f, ",
           n, (double)time / 1e9, figures_share(n, time) * 1e9);
    printf("\"cpu_us\": %.4f, \"client_busy\": %.3f, ",
           figures_share(cpu, n) / 1e3, figures_share(cpu, time));
    printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"rss_kib\": %ld}\n",
           figures_percentile(0.5), figures_percentile(0.99),
           figures_rss(getpid()));
}

static void run(void *arg)
{
    static ws_fiber *fibers[MOST];
    static size_t slots[MOST];

    (void)arg;
    for (size_t i = 0; i < options.connections; i++) {
        slots[i] = i;
        fibers[i] =
            ws_go(options.mode == LOAD_CONNECT ? dial_again : talk, slots + i);
        if (!fibers[i])
            load_fail("no memory for a fiber");
    }
    measure();
    over = true;
    for (size_t i = 0; i < options.connections; i++)
        ws_join(fibers[i]);
}

static const struct option long_options[] = {
    { "connections", required_argument, NULL, 'n' },
    { "size", required_argument, NULL, 's' },
    { "binary", no_argument, NULL, 'b' },
    { "deflate", no_argument, NULL, 'z' },
    { "tls", no_argument, NULL, 't' },
    { "connect", no_argument, NULL, 'c' },
    { "resume", no_argument, NULL, 'r' },
    { "seconds", required_argument, NULL, 'S' },
    { "warmup", required_argument, NULL, 'W' },
    { 0 },
};

int main(int argc, char **argv)
{
    if (!load_parse(&options, argc, argv, long_options)) {
        fputs(usage, stderr);
        return 2;
    }
    if (options.connections > MOST)
        load_fail("expected at most %d connections, got %zu", MOST,
                  options.connections);
    if (options.size == 0)
        load_fail("expected messages of at least a byte");
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d/", options.tls ? "wss" : "ws",
             options.port);
    tls.no_resumption = !options.resume;
    dialer = (ws_dialer){ .enable_compression = options.deflate,
                          .tls = &tls,
                          .read_limit = -1 };
    frames_init(&frames, &options);

    int error = ws_run(run, NULL);
    frames_fini(&frames);
    return error != 0;
}
