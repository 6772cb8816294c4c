/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/random.h"

enum { SIZE = 16, DRAWS = 4096 };

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, SIZE);
}

static void assert_no_two_equal(uint8_t (*draws)[SIZE], size_t n)
{
    qsort(draws, n, SIZE, compare);
    for (size_t i = 1; i < n; i++)
        assert_memory_not_equal(draws[i - 1], draws[i], SIZE);
}

static void no_bytes_are_given_twice(void **state)
{
    (void)state;
    static uint8_t draws[DRAWS][SIZE];

    for (size_t i = 0; i < DRAWS; i++)
        assert_int_equal(ws__random(draws[i], SIZE), 0);
    assert_no_two_equal(draws, DRAWS);
}

/* Every size, so that draws end before, at and behind the end of the pool. */
static void every_size_is_filled_and_no_more(void **state)
{
    (void)state;
    uint8_t out[256 + 1];

    for (size_t n = 0; n < sizeof(out); n++) {
        unsigned seen = 0;

        out[n] = 0x55;
        for (int i = 0; i < 64 && n > 0; i++) {
            out[n - 1] = 0;
            assert_int_equal(ws__random(out, n), 0);
            seen |= out[n - 1];
        }
        assert_int_equal(out[n], 0x55);
        assert_int_equal(seen, n > 0 ? 0xff : 0);
    }
}

static void *draw(void *out)
{
    return ws__random(out, SIZE) == 0 ? NULL : out;
}

static void threads_have_bytes_of_their_own(void **state)
{
    (void)state;
    uint8_t draws[4][SIZE];

    draw(draws[0]);
    for (size_t i = 1; i < COUNT(draws); i++) {
        pthread_t t;
        void *failed;

        assert_int_equal(pthread_create(&t, NULL, draw, draws[i]), 0);
        pthread_join(t, &failed);
        assert_null(failed);
    }
    assert_no_two_equal(draws, COUNT(draws));
}

static void draw_in_a_child(uint8_t out[SIZE])
{
    int fds[2], status;

    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool ok = draw(out) == NULL && write(fds[1], out, SIZE) == SIZE;

        _exit(ok ? 0 : 1);
    }
    assert_int_equal(read(fds[0], out, SIZE), SIZE);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(fds[0]);
    close(fds[1]);
}

static void a_fork_wipes_the_pool(void **state)
{
    (void)state;
    uint8_t draws[4][SIZE];

    draw(draws[0]); /* now there are bytes left that a child could share */
    draw_in_a_child(draws[1]);
    draw_in_a_child(draws[2]);
    draw(draws[3]);
    assert_no_two_equal(draws, COUNT(draws));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bytes_are_given_twice),
        cmocka_unit_test(every_size_is_filled_and_no_more),
        cmocka_unit_test(threads_have_bytes_of_their_own),
        cmocka_unit_test(a_fork_wipes_the_pool),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
