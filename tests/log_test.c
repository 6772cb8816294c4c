/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

static void keep(const char *line, void *arg)
{
    snprintf(arg, 1024, "%s", line);
}

static void a_line_goes_to_the_function_that_was_set(void **state)
{
    (void)state;
    char line[1024] = "";

    ws_set_log(keep, line);
    ws__log("%d %s", 7, "lines");
    assert_string_equal(line, "7 lines");
    ws__log("%02000d", 1);
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
    ws__log("no %s", "room");
    dup2(saved, STDERR_FILENO);
    close(fds[1]);
    assert_true(read(fds[0], got, sizeof(got) - 1) > 0);
    assert_string_equal(got, "silverback: no room\n");
    close(fds[0]);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_goes_to_the_function_that_was_set),
        cmocka_unit_test(without_one_it_goes_to_stderr),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
