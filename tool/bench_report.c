/* SPDX-License-Identifier: MIT */

#include "bench_report.h"

#include <stdlib.h>

#include "json.h"
#include "memory.h"
#include "output.h"

/* A number of the report. */
struct figure {
    const char *name;
    double value;
};

enum {
    FIGURES = 20,
};

struct report {
    struct histogram latency;
    struct histogram handshake;
    struct figure figures[FIGURES];
    int n;
};

static void report_add(struct report *p, const char *name, double value)
{
    p->figures[p->n++] = (struct figure){ name, value };
}

static void report_add_latency(struct report *p)
{
    static const struct {
        const char *name;
        double part;
    } rows[] = { { "p50_ms", 0.5 },
                 { "p90_ms", 0.9 },
                 { "p99_ms", 0.99 },
                 { "p99.9_ms", 0.999 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        report_add(p, rows[i].name,
                   (double)histogram_percentile(&p->latency, rows[i].part) /
                       1e6);
    report_add(p, "max_ms", (double)p->latency.max / 1e6);
}

static void report_add_server(struct report *p, const struct load *l,
                              const struct bench_result *r)
{
    if (r->cpu_ns >= 0 && r->counts.measured > 0)
        report_add(p, "server_us_per_message",
                   (double)r->cpu_ns / 1e3 / (double)r->counts.measured);
    if (r->cpu_ns >= 0)
        report_add(p, "server_cores", (double)r->cpu_ns / 1e9 / r->seconds);
    if (r->memory >= 0)
        report_add(p, "server_bytes_per_connection",
                   (double)r->memory / l->connections);
}

static struct report *report_new(const struct load *l,
                                 const struct bench_result *r)
{
    struct report *p = memory_zeroed(sizeof(*p));

    for (int i = 0; i < l->threads; i++) {
        histogram_merge(&p->latency, &l->workers[i].latency);
        histogram_merge(&p->handshake, &l->workers[i].handshake);
    }
    report_add(p, "connections", (double)r->counts.opened);
    report_add(p, "failed", (double)r->counts.failed);
    report_add(p, "lost", (double)r->counts.lost);
    report_add(p, "connects_per_s", (double)r->counts.opened / r->connect_s);
    report_add(p, "connect_p99_ms",
               (double)histogram_percentile(&p->handshake, 0.99) / 1e6);
    report_add(p, "seconds", r->seconds);
    report_add(p, "messages", (double)r->counts.measured);
    report_add(p, "messages_per_s", (double)r->counts.measured / r->seconds);
    report_add(p, "MB_per_s",
               (double)r->counts.measured * (double)l->size / 1e6 / r->seconds);
    report_add_latency(p);
    report_add_server(p, l, r);
    return p;
}

/* ---- Ways to print it --------------------------------------------------- */

static bool is_whole(double value)
{
    return value == (double)(int64_t)value;
}

static void report_csv(const struct report *p)
{
    for (int i = 0; i < p->n; i++)
        printf("%s%s", i ? "," : "", p->figures[i].name);
    putchar('\n');
    for (int i = 0; i < p->n; i++)
        printf("%s%.*f", i ? "," : "", is_whole(p->figures[i].value) ? 0 : 3,
               p->figures[i].value);
    putchar('\n');
}

static void report_json(const struct report *p)
{
    FILE *f = output_event("bench", 0);

    for (int i = 0; i < p->n; i++)
        if (is_whole(p->figures[i].value))
            json_number(f, p->figures[i].name, (int64_t)p->figures[i].value);
        else
            json_decimal(f, p->figures[i].name, p->figures[i].value);
    output_event_end(f);
}

static void report_text(const struct report *p)
{
    for (int i = 0; i < p->n; i++)
        printf("%-28s %14.*f\n", p->figures[i].name,
               is_whole(p->figures[i].value) ? 0 : 3, p->figures[i].value);
    putchar('\n');
    histogram_draw(stdout, &p->latency);
}

void bench_report(const struct settings *s, const struct load *l,
                  const struct bench_result *r)
{
    struct report *p = report_new(l, r);

    if (s->json)
        report_json(p);
    else if (s->csv)
        report_csv(p);
    else
        report_text(p);
    fflush(stdout);
    free(p);
}
