/* SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/resource.h>

#include "figures.h"
#include "load_conn.h"
#include "load_options.h"

static const char usage[] =
    "usage: bench_load [OPTION...] PORT\n"
    "\n"
    "Loads the echo server at ws://127.0.0.1:PORT/, checks its answers, and\n"
    "prints what was measured as one object of JSON.\n"
    "  --connections N  how many (64)\n"
    "  --depth N        messages under way on each (1)\n"
    "  --size N         bytes of a message (20)\n"
    "  --binary         not text\n"
    "  --check N        above 4096 bytes, compare one answer in N whole (61)\n"
    "  --deflate        permessage-deflate, without context takeover\n"
    "  --tls            wss, whatever the certificate\n"
    "  --seconds S      how long to measure (1)\n"
    "  --warmup S       after how long (0.2)\n"
    "  --pid N          the server: measure its CPU time and memory\n"
    "  --idle           its memory, before and after a message on each\n"
    "                   connection\n"
    "  --connect        connect, upgrade and close, N at a time\n"
    "  --resume         with --connect --tls, resume sessions\n"
    "  --client         measure this program, not the server, as the limit of\n"
    "                   clients: each message is masked anew, and the\n"
    "                   certificate verified, which has to be cert.pem\n"
    "  --cast           the server sends what comes to all connections: one\n"
    "                   publishes, --depth at a time, and each message that\n"
    "                   comes to any of them counts\n";

enum { AT_ONCE = 128, PATIENCE = 30, SETTLE_MS = 500, TIMES = 100 };

static uint64_t after(double seconds)
{
    return figures_now() + (uint64_t)(seconds * 1e9);
}

static void turn_until(uint64_t then)
{
    while (figures_now() < then)
        conns_turn();
}

static void turn_before(uint64_t then, const char *what)
{
    if (figures_now() > then)
        load_fail("waited %d s for %s", PATIENCE, what);
    conns_turn();
}

static void open_all(const struct load_options *o)
{
    uint64_t then = after(PATIENCE);
    size_t started = 0;

    while (conn_count.open < o->connections) {
        while (started < o->connections && started - conn_count.open < AT_ONCE)
            conn_start(conn_at(started++));
        turn_before(then, "connections to be upgraded");
    }
}

/* What is read at the beginning of a measurement, and again at its end. */
struct reading {
    uint64_t time, server, client, busy;
    uint64_t answers, ended, resumed;
    struct answers_count in;
};

static struct reading read_all(int pid)
{
    return (struct reading){
        .time = figures_now(),
        .server = figures_cpu(pid),
        .client = figures_cpu(getpid()),
        .busy = figures_busy(),
        .answers = conn_count.answers,
        .ended = conn_count.ended,
        .resumed = conn_count.resumed,
        .in = answers_count,
    };
}

static long rss_of(const struct load_options *o)
{
    return figures_rss(o->client ? getpid() : o->pid);
}

/* Prints what all kinds of load have in common; units counts what was done. */
static void print_rates(const struct load_options *o, const struct reading *a,
                        const struct reading *b, uint64_t units)
{
    uint64_t time = b->time - a->time;
    uint64_t cpu = o->client ? b->client - a->client : b->server - a->server;
    double server = figures_share(b->server - a->server, time);
    double client = figures_share(b->client - a->client, time);

    printf("{\"count\": %" PRIu64 ", \"seconds\": %.6f, \"per_second\": %.1f, ",
           units, (double)time / 1e9, figures_share(units, time) * 1e9);
    printf("\"cpu_us\": %.4f, \"server_busy\": %.3f, \"client_busy\": %.3f, ",
           figures_share(cpu, units) / 1e3, server, client);
    printf("\"others_busy\": %.3f, ",
           figures_share(b->busy - a->busy, time) - server - client);
    printf("\"p50_us\": %.1f, \"p99_us\": %.1f, ", figures_percentile(0.5),
           figures_percentile(0.99));
}

/* Up to a hundred times as long if no unit was counted: the machine may be busy
 * elsewhere. */
static void measure(const struct load_options *o, const uint64_t *units,
                    struct reading *a, struct reading *b)
{
    turn_until(after(o->warmup));
    conn_count.timing = true;
    *a = read_all(o->pid);
    uint64_t before = *units;
    for (int i = 0; i == 0 || (i < TIMES && *units == before); i++)
        turn_until(after(o->seconds));
    *b = read_all(o->pid);
    conn_count.timing = false;
}

static void echo(const struct load_options *o)
{
    struct reading a, b;

    open_all(o);
    for (size_t i = 0; i < o->connections; i++)
        conn_submit(conn_at(i), o->depth);
    measure(o, &conn_count.answers, &a, &b);
    if (b.answers == a.answers)
        load_fail("no answer came in %.1f s", TIMES * o->seconds);

    uint64_t n = b.in.messages - a.in.messages;
    uint64_t packed = b.in.packed - a.in.packed;

    print_rates(o, &a, &b, b.answers - a.answers);
    printf("\"rss_kib\": %ld, \"compared\": %" PRIu64 ", ", rss_of(o),
           b.in.compared - a.in.compared);
    printf("\"packed\": %" PRIu64 ", \"plain\": %" PRIu64 ", "
           "\"answer_bytes\": %.1f}\n",
           packed, n - packed, figures_share(b.in.bytes - a.in.bytes, n));
}

/* Whoever is told that it is connected may not have been added to all yet. */
static void ping_all(const struct load_options *o)
{
    uint64_t then = after(PATIENCE);

    for (size_t i = 0; i < o->connections; i++)
        conn_ping(conn_at(i));
    while (conn_count.pinged > 0)
        turn_before(then, "answers to pings");
}

static void cast(const struct load_options *o)
{
    struct reading a, b;

    open_all(o);
    ping_all(o);
    conn_submit(conn_at(0), o->depth);
    measure(o, &conn_count.casts, &a, &b);
    if (conn_count.casts == 0)
        load_fail("no publication came to all %zu connections", o->connections);
    print_rates(o, &a, &b, b.answers - a.answers);
    printf("\"rss_kib\": %ld, \"compared\": %" PRIu64 ", "
           "\"publications\": %" PRIu64 "}\n",
           rss_of(o), b.in.compared - a.in.compared, conn_count.casts);
}

static void connect_again(const struct load_options *o)
{
    struct reading a, b;

    for (size_t i = 0; i < o->connections; i++)
        conn_start(conn_at(i));
    measure(o, &conn_count.ended, &a, &b);
    if (b.ended == a.ended)
        load_fail("no connection was closed in %.1f s", TIMES * o->seconds);

    uint64_t ended = b.ended - a.ended, resumed = b.resumed - a.resumed;

    /* Some have begun before the one count, and some end after the other. */
    if (o->resume && resumed + o->connections < ended)
        load_fail("expected sessions to be resumed, %" PRIu64 " of %" PRIu64
                  " were",
                  resumed, ended);
    print_rates(o, &a, &b, ended);
    printf("\"rss_kib\": %ld, \"resumed\": %" PRIu64 "}\n", rss_of(o), resumed);
}

static void one_message_each(const struct load_options *o)
{
    uint64_t then = after(PATIENCE);
    size_t sent = 0;

    conn_count.one_each = true;
    while (conn_count.answers < o->connections) {
        while (sent < o->connections && sent - conn_count.answers < AT_ONCE)
            conn_submit(conn_at(sent++), 1);
        turn_before(then, "answers");
    }
}

static double for_each(long kib, long before, const struct load_options *o)
{
    return (double)(kib - before) * 1024 / (double)o->connections;
}

static void idle(const struct load_options *o)
{
    uint64_t began = figures_now();
    long none = figures_rss(o->pid);

    open_all(o);
    double seconds = (double)(figures_now() - began) / 1e9;

    turn_until(after(SETTLE_MS / 1e3));
    long opened = figures_rss(o->pid);

    one_message_each(o);
    turn_until(after(SETTLE_MS / 1e3));
    long used = figures_rss(o->pid);

    printf("{\"count\": %" PRIu64 ", \"seconds\": %.3f, ", conn_count.answers,
           seconds);
    printf("\"opened_bytes\": %.0f, \"used_bytes\": %.0f, \"rss_kib\": %ld}\n",
           for_each(opened, none, o), for_each(used, none, o), used);
}

static void raise_descriptor_limit(size_t connections)
{
    struct rlimit r;

    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur < connections + 16)
        load_fail("%zu connections need more descriptors than %ju", connections,
                  (uintmax_t)r.rlim_cur);
}

static const struct option long_options[] = {
    { "connections", required_argument, NULL, 'n' },
    { "depth", required_argument, NULL, 'd' },
    { "size", required_argument, NULL, 's' },
    { "binary", no_argument, NULL, 'b' },
    { "check", required_argument, NULL, 'k' },
    { "deflate", no_argument, NULL, 'z' },
    { "tls", no_argument, NULL, 't' },
    { "seconds", required_argument, NULL, 'S' },
    { "warmup", required_argument, NULL, 'W' },
    { "pid", required_argument, NULL, 'p' },
    { "idle", no_argument, NULL, 'i' },
    { "connect", no_argument, NULL, 'c' },
    { "resume", no_argument, NULL, 'r' },
    { "client", no_argument, NULL, 'C' },
    { "cast", no_argument, NULL, 'a' },
    { 0 },
};

int main(int argc, char **argv)
{
    static void (*const modes[])(const struct load_options *) = {
        [LOAD_ECHO] = echo,
        [LOAD_IDLE] = idle,
        [LOAD_CONNECT] = connect_again,
        [LOAD_CAST] = cast,
    };
    struct load_options o;

    if (!load_parse(&o, argc, argv, long_options)) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's write() raises it */
    raise_descriptor_limit(o.connections);
    conns_setup(&o);
    modes[o.mode](&o);
    conns_teardown();
    return 0;
}
