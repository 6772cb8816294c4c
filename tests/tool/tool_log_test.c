/* SPDX-License-Identifier: MIT */

/* What ws says of what the library has to say; here instead of its output. */

#include "../test.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

#include "base/log.h"
#include "json.h"
#include "log.h"
#include "memory.h"
#include "output.h"

enum { LONG_MS = 60 * 1000 };

static atomic_int notes, details;

void output_note(const char *fmt, ...)
{
    (void)fmt;
    atomic_fetch_add(&notes, 1);
}

void output_detail(int level, const char *fmt, ...)
{
    (void)fmt;
    atomic_fetch_add(&details, level);
}

FILE *output_event(const char *event, int64_t peer)
{
    (void)event;
    (void)peer;
    return NULL;
}

int output_event_end(FILE *f)
{
    (void)f;
    return 0;
}

void json_bytes(FILE *f, const char *name, const char *text, size_t n)
{
    (void)f;
    (void)name;
    (void)text;
    (void)n;
}

void json_number(FILE *f, const char *name, int64_t value)
{
    (void)f;
    (void)name;
    (void)value;
}

char *memory_copy(const char *text)
{
    return strdup(text);
}

static int begin(void **state)
{
    (void)state;
    atomic_store(&notes, 0);
    atomic_store(&details, 0);
    log_begin(&(struct settings){ 0 }, false);
    return 0;
}

static void a_warning_is_said_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        ws__log(WS__LOG(WS_LOG_WARNING, "worse"), "worse");
    assert_int_equal(notes, 1);
    assert_int_equal(details, 0);
}

static void hold_up(void *arg)
{
    int64_t until = ws_after(LONG_MS);

    (void)arg;
    while (notes == 0 && details == 0 && ws_now() < until)
        continue;
}

/* Whoever is at a command line can do nothing about it. */
static void that_a_worker_was_held_up_is_a_detail(void **state)
{
    (void)state;
    assert_int_equal(ws_run(hold_up, NULL), 0);
    assert_int_equal(notes, 0);
    assert_int_equal(details, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_warning_is_said_once, begin),
        cmocka_unit_test_setup(that_a_worker_was_held_up_is_a_detail, begin),
    };

    return cmocka_run_group_tests_name("tool_log", tests, NULL, NULL);
}
