/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>

#include <silverback/fiber.h>

#include "fiber/offload.h"
#include "fiber/sanitizers.h"

enum { LONG = 60000 };

/* Of this process. */
static int threads(void)
{
    DIR *d = opendir("/proc/self/task");
    int n = -2; /* "." and ".." */

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* One that was joined goes from the list a moment later. */
static int threads_settled(int expected)
{
    int64_t deadline = ws_after(LONG);

    while (threads() != expected && ws_now() < deadline)
        ws_sleep(1);
    return threads();
}

static int answer(void *arg)
{
    (void)arg;
    return 42;
}

static void use_helpers(void *result)
{
    *(int *)result = ws_blocking(answer, NULL) +
                     ws__blocking(WS__FOR_FILES, answer, NULL) +
                     ws__blocking(WS__FOR_NAMES, answer, NULL);
}

static void use_everything(void)
{
    ws_event usr1 = { { NULL } };
    int result = 0;

    assert_int_equal(ws_run(use_helpers, &result), 0);
    assert_int_equal(result, 3 * 42);
    assert_int_equal(ws_notify(&usr1, SIGUSR1), 0);
    raise(SIGUSR1);
    assert_int_equal(ws_event_wait(&usr1, ws_after(LONG)), 0);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
}

static void threads_end_and_are_started_again(void **state)
{
    (void)state;
    use_everything(); /* as ThreadSanitizer has a thread then, too */
    ws_cleanup();
    int before = threads_settled(1 + WS__TSAN);

    for (int i = 0; i < 20; i++) {
        use_everything();
        assert_true(threads() > before);
        ws_cleanup();
        assert_int_equal(threads_settled(before), before);
    }
    ws_cleanup();
}

static ws_event inside, may_leave;

static int stay(void *arg)
{
    (void)arg;
    ws_event_set(&inside);
    return ws_event_wait(&may_leave, ws_after(LONG));
}

static void stay_in_helper(void *result)
{
    *(int *)result = ws_blocking(stay, NULL);
}

/* While it is busy, and while there is a worker. */
static void clean_up_beside(void *result)
{
    ws_fiber *f = ws_go(stay_in_helper, result);

    ws_event_wait(&inside, ws_after(LONG));
    ws_cleanup();
    ws_event_set(&may_leave);
    ws_join(f);
}

static void what_is_in_use_stays(void **state)
{
    (void)state;
    ws_event usr1 = { { NULL } };
    int result = -1;

    assert_int_equal(ws_notify(&usr1, SIGUSR1), 0);
    assert_int_equal(ws_run(clean_up_beside, &result), 0);
    assert_int_equal(result, 0);
    raise(SIGUSR1);
    assert_int_equal(ws_event_wait(&usr1, ws_after(LONG)), 0);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
    ws_cleanup();
}

static int clean_up(void *arg)
{
    ws_cleanup();
    return answer(arg);
}

static void clean_up_in_helper(void *result)
{
    *(int *)result = ws_blocking(clean_up, NULL);
}

static void a_helper_may_clean_up(void **state)
{
    (void)state;
    int result = 0;

    assert_int_equal(ws_run(clean_up_in_helper, &result), 0);
    assert_int_equal(result, 42);
    ws_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_end_and_are_started_again),
        cmocka_unit_test(what_is_in_use_stays),
        cmocka_unit_test(a_helper_may_clean_up),
    };

    return cmocka_run_group_tests_name("cleanup", tests, NULL, NULL);
}
