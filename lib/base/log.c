/* SPDX-License-Identifier: MIT */

#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/line.h"

struct target {
    ws_log_fn fn;
    void *arg;
};

static struct target current;
static atomic_flag busy = ATOMIC_FLAG_INIT; /* current is read, or changed */

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        continue;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

void ws_set_log(ws_log_fn fn, void *arg)
{
    lock();
    current = (struct target){ fn, arg };
    unlock();
}

void ws__log(const char *fmt, ...)
{
    char line[WS__LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    ws__line_format(line, sizeof(line), fmt, ap);
    va_end(ap);
    lock();
    struct target to = current;
    unlock();
    if (to.fn)
        to.fn(line, to.arg);
    else
        fprintf(stderr, "silverback: %s\n", line);
}
