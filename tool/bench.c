/* SPDX-License-Identifier: MIT */

#include "bench.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_report.h"
#include "client.h"
#include "load.h"
#include "output.h"
#include "process.h"
#include "watch.h"

enum {
    CONNECTIONS = 50,
    DURATION_MS = 10 * 1000,
    WARMUP_MS = 1000,
    SIZE = 32,
    LEAST_NUMBERED = 16, /* with --fanout a message has its number */
    TICK_MS = 250,
};

struct bench {
    const struct settings *settings;
    struct client client;
    struct load load;
    struct bench_result result;
    bool tells; /* somebody looks on */
};

static int usual(int64_t value, int usually)
{
    return value ? (int)(value < INT_MAX ? value : INT_MAX) : usually;
}

static int cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* ---- Looking on --------------------------------------------------------- */

static void bench_progress(struct bench *b, const char *phase, int64_t received,
                           double seconds)
{
    struct load_counts n = load_count(&b->load);

    if (!b->tells)
        return;
    dprintf(STDERR_FILENO, "\r\033[K%s: %ld connections", phase, n.opened);
    if (n.failed + n.lost)
        dprintf(STDERR_FILENO, ", %ld failed, %ld lost", n.failed, n.lost);
    if (received >= 0)
        dprintf(STDERR_FILENO, ", %.0f messages/s",
                (double)(n.received - received) / seconds);
}

/* Returns whether it was not the end. */
static bool bench_tick(struct bench *b, const char *phase, int64_t until)
{
    int64_t begin = load_clock();
    int64_t received = load_count(&b->load).received;
    int64_t tick = ws_after(TICK_MS);
    int64_t next = tick < until ? tick : until;

    if (ws_event_wait(&b->load.stop, next) == 0)
        return false;
    bench_progress(b, phase, received, (double)(load_clock() - begin) / 1e9);
    return true;
}

static bool bench_phase(struct bench *b, const char *phase, int ms)
{
    int64_t until = ws_after(ms);

    while (ws_now() < until)
        if (!bench_tick(b, phase, until))
            return false;
    return true;
}

/* ---- The phases --------------------------------------------------------- */

static bool bench_connect(struct bench *b)
{
    int64_t begin = load_clock();
    struct load_counts n;

    load_begin(&b->load);
    do {
        if (ws_event_wait(&b->load.stop, ws_after(10)) == 0)
            return false;
        n = load_count(&b->load);
        bench_progress(b, "connecting", -1, 1);
    } while (n.opened + n.failed < b->load.connections);
    b->result.connect_s = (double)(load_clock() - begin) / 1e9;
    return n.opened > 0;
}

static void bench_measure(struct bench *b, int ms)
{
    int pid = (int)b->settings->pid;
    int64_t cpu = pid ? process_cpu_ns(pid) : -1;
    int64_t begin = load_clock();

    b->load.measuring = true;
    bench_phase(b, "measuring", ms);
    b->load.measuring = false;
    b->result.seconds = (double)(load_clock() - begin) / 1e9;
    b->result.cpu_ns = cpu < 0 ? -1 : process_cpu_ns(pid) - cpu;
}

static void bench_phases(struct bench *b)
{
    const struct settings *s = b->settings;
    int pid = (int)s->pid;
    int64_t before = pid ? process_memory(pid) : -1;

    if (!bench_connect(b))
        return;
    b->result.memory = before < 0 ? -1 : process_memory(pid) - before;
    b->load.start_ns = load_clock();
    ws_event_set(&b->load.go);
    if (bench_phase(b, "warming up", usual(s->warmup_ms, WARMUP_MS)))
        bench_measure(b, usual(s->duration_ms, DURATION_MS));
}

static enum status bench_status(const struct bench *b)
{
    const struct load *l = &b->load;

    for (int i = 0; i < l->threads; i++)
        if (l->workers[i].failed) {
            output_note("%ld connections failed: %s", b->result.counts.failed,
                        l->error[i].text);
            return status_of_dial(&l->error[i]);
        }
    return b->result.counts.lost ? STATUS_CLOSE_CODE : STATUS_CLOSED;
}

static enum status bench_all(struct bench *b)
{
    struct watch watch = { .wish = watch_set, .arg = &b->load.stop };

    process_raise_limit();
    watch_begin(&watch);
    bench_phases(b);
    ws_event_set(&b->load.stop);
    load_end(&b->load);
    watch_end(&watch);
    if (b->tells)
        dprintf(STDERR_FILENO, "\r\033[K");
    b->result.counts = load_count(&b->load);
    enum status status = bench_status(b);
    if (b->result.seconds > 0)
        bench_report(b->settings, &b->load, &b->result);
    load_free(&b->load);
    return status;
}

/* ---- What is asked for -------------------------------------------------- */

static void bench_set_load(struct bench *b)
{
    const struct settings *s = b->settings;
    struct load *l = &b->load;

    l->client = &b->client;
    l->connections = usual(s->connections, CONNECTIONS);
    l->threads = usual(s->threads, cores());
    l->threads = l->threads < l->connections ? l->threads : l->connections;
    l->pipeline = usual(s->pipeline, 1);
    l->rate = (double)s->rate;
    l->fanout = s->fanout;
    l->binary = s->binary;
    l->size = (size_t)(s->size ? s->size : SIZE);
}

enum status bench_run(const struct settings *s)
{
    struct bench b = { .settings = s,
                       .tells = isatty(STDERR_FILENO) && !s->json };

    bench_set_load(&b);
    if (b.load.fanout && b.load.size < LEAST_NUMBERED) {
        output_note("--fanout numbers its messages: --size is 16 at least");
        return STATUS_USAGE;
    }
    if (!client_begin(&b.client, s, s->args[0], &b.load.stop))
        return STATUS_USAGE;
    enum status status = bench_all(&b);
    client_end(&b.client);
    return status;
}
