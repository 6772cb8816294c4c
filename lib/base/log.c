/* SPDX-License-Identifier: MIT */

#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/line.h"
#include "base/logfmt.h"

enum { FIELDS_MAX = 2 * WS__LINE_MAX };

/* One of the two functions, or none. */
struct target {
    ws_log_fn fn;
    ws_log_record_fn record_fn;
    void *arg;
};

static struct target current;
static atomic_flag busy = ATOMIC_FLAG_INIT; /* current is read, or changed */

static void log_lock(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        continue;
}

static void log_unlock(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

static void set_target(struct target to)
{
    log_lock();
    current = to;
    log_unlock();
}

void ws_set_log(ws_log_fn fn, void *arg)
{
    set_target((struct target){ .fn = fn, .arg = arg });
}

void ws_set_log_records(ws_log_record_fn fn, void *arg)
{
    set_target((struct target){ .record_fn = fn, .arg = arg });
}

static void give_record(const struct target *to,
                        const struct ws__log_topic *topic, const char *line)
{
    char fields[FIELDS_MAX] = "";
    const ws_log_record record = { topic->level, line, fields, topic->conn };

    ws__logfmt(fields, sizeof(fields), "event", topic->event);
    for (const struct ws__log_field *f = topic->fields; f && f->key; f++)
        if (f->value)
            ws__logfmt(fields, sizeof(fields), f->key, f->value);
    to->record_fn(&record, to->arg);
}

void ws__log(const struct ws__log_topic *topic, const char *fmt, ...)
{
    char line[WS__LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    ws__line_format(line, sizeof(line), fmt, ap);
    va_end(ap);
    log_lock();
    struct target to = current;
    log_unlock();
    if (to.record_fn)
        give_record(&to, topic, line);
    else if (to.fn)
        to.fn(line, to.arg);
    else
        fprintf(stderr, "silverback: %s\n", line);
}
