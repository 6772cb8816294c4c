/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/logfmt.h"

static void keep(const char *line, void *arg)
{
    snprintf(arg, 1024, "%s", line);
}

static void a_line_goes_to_the_function_that_was_set(void **state)
{
    (void)state;
    char line[1024] = "";

    ws_set_log(keep, line);
    ws__log(WS__LOG(WS_LOG_WARNING, "test"), "%d %s", 7, "lines");
    assert_string_equal(line, "7 lines");
    ws__log(WS__LOG(WS_LOG_WARNING, "test"), "%02000d", 1);
    assert_int_equal(strlen(line), 511);
    ws_set_log(NULL, NULL);
}

static void without_one_it_goes_to_stderr(void **state)
{
    (void)state;
    char got[64] = "";
    int fds[2], saved = dup(STDERR_FILENO);

    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    ws__log(WS__LOG(WS_LOG_WARNING, "test"), "no %s", "room");
    dup2(saved, STDERR_FILENO);
    close(fds[1]);
    assert_true(read(fds[0], got, sizeof(got) - 1) > 0);
    assert_string_equal(got, "silverback: no room\n");
    close(fds[0]);
    close(saved);
}

struct kept {
    ws_log_level level;
    char line[1024];
    char fields[2048];
    const struct ws_conn *conn;
};

static void keep_record(const ws_log_record *record, void *arg)
{
    struct kept *k = arg;

    k->level = record->level;
    snprintf(k->line, sizeof(k->line), "%s", record->line);
    snprintf(k->fields, sizeof(k->fields), "%s", record->fields);
    k->conn = record->conn;
}

static void a_record_has_its_fields(void **state)
{
    (void)state;
    struct kept k = { .line = "" };
    static const struct ws__log_field fields[] = {
        { "route", "/a" },
        { "none", NULL },
        { "empty", "" },
        { "says", "it \"is\"\na=b" },
        { 0 },
    };
    const struct ws_conn *conn = (const void *)&k;

    ws_set_log_records(keep_record, &k);
    ws__log(&(struct ws__log_topic){ WS_LOG_ERROR, "refused", conn, fields },
            "%s", "no\r");
    assert_int_equal(k.level, WS_LOG_ERROR);
    assert_string_equal(k.line, "no\\r");
    assert_string_equal(k.fields, "event=refused route=/a empty=\"\" "
                                  "says=\"it \\\"is\\\"\\\\na=b\"");
    assert_ptr_equal(k.conn, conn);
    ws_set_log_records(NULL, NULL);
}

static void a_field_without_room_is_left_out(void **state)
{
    (void)state;
    char long_one[600], out[64] = "";
    struct kept k = { .line = "" };

    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    const struct ws__log_field fields[] = {
        { "a", long_one },
        { "b", long_one },

        { "d", "1" },
        { 0 },
    };
    ws_set_log_records(keep_record, &k);
    ws__log(&(struct ws__log_topic){ .event = "full", .fields = fields }, "-");
    assert_null(strstr(k.fields, " b="));
    assert_non_null(strstr(k.fields, " a=xxx"));
    assert_string_equal(k.fields + strlen(k.fields) - 4, " d=1");
    ws_set_log_records(NULL, NULL);

    for (size_t cap = 1; cap < sizeof(out); cap++) {
        out[0] = '\0';
        ws__logfmt(out, cap, "key", "two words");
        assert_string_equal(
            out, cap <= strlen("key=\"two words\"") ? "" : "key=\"two words\"");
    }
}

static void the_last_function_that_was_set_is_called(void **state)
{
    (void)state;
    struct kept k = { .line = "" };
    char line[1024] = "";

    ws_set_log(keep, line);
    ws_set_log_records(keep_record, &k);
    ws__log(WS__LOG(WS_LOG_INFO, "test"), "one");
    assert_string_equal(line, "");
    assert_string_equal(k.line, "one");
    ws_set_log(keep, line);
    ws__log(WS__LOG(WS_LOG_INFO, "test"), "two");
    assert_string_equal(line, "two");
    assert_string_equal(k.line, "one");
    ws_set_log(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_goes_to_the_function_that_was_set),
        cmocka_unit_test(without_one_it_goes_to_stderr),
        cmocka_unit_test(a_record_has_its_fields),
        cmocka_unit_test(a_field_without_room_is_left_out),
        cmocka_unit_test(the_last_function_that_was_set_is_called),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
