/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback/base.h>

#include "descriptors.h"
#include "fiber/queued.h"

enum { PATIENCE_MS = 20 * 1000 };

/* Both on one processor: the kernel makes each wait for the other. */
static pid_t compete(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            continue;
    return child;
}

static void to_wait_for_a_processor_is_counted(void **state)
{
    (void)state;
    cpu_set_t before;

    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    pid_t child = compete();
    assert_true(child > 0);
    int64_t begin = ws__queued_us(gettid()), until = ws_after(PATIENCE_MS);
    while (ws__queued_us(gettid()) - begin < 1000 && ws_now() < until)
        continue;
    int64_t queued = ws__queued_us(gettid()) - begin;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    sched_setaffinity(0, sizeof(before), &before);
    assert_in_range(queued, 1000, PATIENCE_MS * 1000);
}

static void of_a_thread_that_is_not_there_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(ws__queued_us(0), 0);
}

static void without_a_descriptor_it_is_not_known(void **state)
{
    (void)state;

    descriptors_run_out();
    int64_t queued = ws__queued_us(gettid());
    descriptors_come_back();
    assert_int_equal(queued, -1);
    assert_true(ws__queued_us(gettid()) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_wait_for_a_processor_is_counted),
        cmocka_unit_test(of_a_thread_that_is_not_there_nothing_is_known),
        cmocka_unit_test(without_a_descriptor_it_is_not_known),
    };

    return cmocka_run_group_tests_name("queued", tests, NULL, NULL);
}
