/* SPDX-License-Identifier: MIT */

/* Counters as Prometheus reads them:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */

#include "http/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/line.h"
#include "conn/pools.h"
#include "conn/unfinished.h"
#include "fiber/watchdog.h"
#include "http/registry.h"
#include "http/request.h"
#include "io/sock.h"

enum {
    TEXT_MAX = 1 << 24,
    ROOM = 1024, /* for one line */
};

/* ---- Taking ------------------------------------------------------------- */

static uint64_t all_closed(const uint64_t *counts)
{
    uint64_t n = 0;

    for (int i = WS_COUNT_CLOSED_NONE; i <= WS_COUNT_CLOSED_OTHER; i++)
        n += counts[i];
    return n;
}

/* From what was counted, what there is now. */
static void complete(uint64_t *counts, const struct ws__stats_group *g)
{
    uint64_t closed = all_closed(counts), opened = counts[WS_COUNT_OPENED];

    /* One that began and ended meanwhile is none. */
    counts[WS_COUNT_WEBSOCKETS] = opened > closed ? opened - closed : 0;
    if (g)
        counts[WS_COUNT_CONNECTIONS] = ws__registry_count(ws__registry_of(g));
}

/* Not from within ws__stats_each. */
static void add_process(uint64_t *counts)
{
    counts[WS_COUNT_FIBERS] = ws__watchdog_fibers();
    counts[WS_COUNT_BUFFERS] = ws__pools_lent();
    counts[WS_COUNT_UNFINISHED] = ws__unfinished_now().bytes;
}

static void add_group(const struct ws__stats_group *g,
                      const uint64_t counts[static WS__COUNTED], void *sum)
{
    uint64_t more[WS_COUNTERS] = { 0 }, *all = sum;

    memcpy(more, counts, WS__COUNTED * sizeof(*more));
    complete(more, g);
    for (int i = 0; i < WS_COUNTERS; i++)
        all[i] += more[i];
}

void ws__metrics_take(const struct ws__stats_group *g,
                      uint64_t counts[static WS_COUNTERS])
{
    memset(counts, 0, WS_COUNTERS * sizeof(*counts));
    if (!g) {
        ws__stats_each(add_group, counts);
        add_process(counts);
        return;
    }
    ws__stats_sum(g, counts);
    complete(counts, g);
}

/* ---- The text ----------------------------------------------------------- */

struct row {
    char listener[5 * WS__ADDR_LEN]; /* escaped: "\\\\x1b" at most of a byte */
    uint64_t counts[WS_COUNTERS];
};

struct table {
    struct row *rows;
    size_t n;
    bool failed; /* there is no memory */
};

static const struct {
    const char *family;
    const char *labels;
    const char *help;
} counters[] = {
#define ROW(name, family, labels, help) { family, labels, help },
    WS_COUNTER_MAP(ROW)
#undef ROW
};

/* A label's value is UTF-8, and may not hold all of that as it is; a path may be
 * anything. */
static void escape_label(char out[static 5 * WS__ADDR_LEN], const char *name)
{
    char text[4 * WS__ADDR_LEN];

    (void)ws__line_escape(text, sizeof(text), ws__str(name));
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            *out++ = '\\';
        *out++ = *p;
    }
    *out = '\0';
}

static void add_row(const struct ws__stats_group *g,
                    const uint64_t counts[static WS__COUNTED], void *arg)
{
    struct table *t = arg;
    struct row *rows = ws__realloc(t->rows, (t->n + 1) * sizeof(*rows));

    t->failed = t->failed || !rows;
    if (!rows)
        return;
    struct row *row = &rows[t->n++];
    t->rows = rows;
    *row = (struct row){ .listener = "" };
    if (g)
        escape_label(row->listener, g->name);
    add_group(g, counts, row->counts);
}

/* A line, unless there is no memory for one. */
WS_PRINTF(3, 4)
static void put_line(struct ws__buf *b, bool *failed, const char *fmt, ...)
{
    va_list ap;

    if (*failed || ws__buf_reserve(b, ROOM, TEXT_MAX, NULL) != 0) {
        *failed = true;
        return;
    }
    va_start(ap, fmt);
    b->last += vsnprintf((char *)b->last, ROOM, fmt, ap);
    va_end(ap);
}

static bool begins_family(size_t i)
{
    return i == 0 || strcmp(counters[i].family, counters[i - 1].family) != 0;
}

static void put_family(struct ws__buf *b, bool *failed, size_t i)
{
    const char *family = counters[i].family;
    bool total = strstr(family, "_total") != NULL;

    put_line(b, failed, "# HELP silverback_%s %s\n", family, counters[i].help);
    put_line(b, failed, "# TYPE silverback_%s %s\n", family,
             total ? "counter" : "gauge");
}

static void put_counter(struct ws__buf *b, bool *failed, size_t i,
                        const struct table *t)
{
    const char *labels = counters[i].labels;

    if (begins_family(i))
        put_family(b, failed, i);
    for (size_t row = 0; row < t->n; row++)
        put_line(b, failed, "silverback_%s{listener=\"%s\"%s%s} %" PRIu64 "\n",
                 counters[i].family, t->rows[row].listener, *labels ? "," : "",
                 labels, t->rows[row].counts[i]);
}

static bool write_text(struct ws__buf *b)
{
    struct table t = { .rows = NULL };

    ws__stats_each(add_row, &t); /* the last one is the process's rest */
    if (!t.failed)
        add_process(t.rows[t.n - 1].counts);
    for (size_t i = 0; i < WS_COUNTERS; i++)
        put_counter(b, &t.failed, i, &t);
    ws_free(t.rows);
    return !t.failed;
}

/* ---- Handlers ----------------------------------------------------------- */

void ws_metrics(ws_request *r, void *arg)
{
    static const ws_header headers[] = {
        { "Content-Type", "text/plain; version=0.0.4; charset=utf-8" },
        { "Cache-Control", "no-store" },
        { 0 },
    };
    struct ws__buf text = { 0 };

    (void)arg;
    if (write_text(&text))
        ws_reply(r, 200, headers, text.pos, ws__buf_used(&text));
    else
        ws_reply_text(r, 500, "out of memory\n");
    ws__buf_release(&text, NULL);
}

void ws_healthz(ws_request *r, void *arg)
{
    static const ws_header headers[] = {
        { "Content-Type", "text/plain; charset=utf-8" },
        { "Cache-Control", "no-store" },
        { 0 },
    };
    const ws_event *stopping = ws_request_stopping(r);

    (void)arg;
    if (!stopping) /* the library did not make this request */
        return;
    bool ends = ws_event_is_set(stopping);
    const char *text = ends ? "draining\n" : "ok\n";
    ws_reply(r, ends ? 503 : 200, headers, text, strlen(text));
}
