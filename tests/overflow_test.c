/* SPDX-License-Identifier: MIT */

/* Programs that end in a fault, each in a process of its own. */

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "fiber/sched.h"
#include "fiber/stack.h"
#include "fiber/worker.h"

struct outcome {
    int status;
    char text[16384]; /* what it wrote to stderr */
};

static void read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
}

/* Those of the sanitizers would report in their own way. */
static void begin_child(int err)
{
    const struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    dup2(err, STDERR_FILENO);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
}

struct program {
    void (*fn)(void *arg);
    enum ws__guard guard;
    void (*handler)(int signum); /* the program's, or NULL */
};

static void run_program(const struct program *p)
{
    struct sigaction action = { .sa_handler = p->handler,
                                .sa_flags = SA_ONSTACK };

    ws__stack_prefer(p->guard);
    if (p->handler)
        sigaction(SIGSEGV, &action, NULL);
    ws_run(p->fn, NULL);
    _exit(0);
}

static struct outcome outcome_of(struct program p)
{
    struct outcome o;
    int fds[2];

    fflush(NULL);
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        begin_child(fds[1]);
        run_program(&p);
    }
    close(fds[1]);
    read_all(fds[0], o.text, sizeof(o.text));
    close(fds[0]);
    assert_int_equal(waitpid(child, &o.status, 0), child);
    return o;
}

static void assert_signal(const struct outcome *o, int signum)
{
    if (!WIFSIGNALED(o->status))
        fail_msg("exited with %d: %s", WEXITSTATUS(o->status), o->text);
    assert_int_equal(WTERMSIG(o->status), signum);
}

static void assert_says(const struct outcome *o, const char *words)
{
    if (!strstr(o->text, words))
        fail_msg("no \"%s\" in: %s", words, o->text);
}

/* ---- Programs ----------------------------------------------------------- */

static volatile int depth_limit = 1000000;

/* Each byte of it is written to. */
static __attribute__((noinline)) int deeper(int depth, const char *end)
{
    volatile char frame[512];

    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = 1;
    if (depth == depth_limit || (const char *)__builtin_frame_address(0) < end)
        return frame[0];
    return deeper(depth + 1, end) + frame[1];
}

/* Without a fault there would be no end, so it ends somewhat below the stack. */
static void overflow(void)
{
    const struct ws__stack *s = ws__worker_here()->current->stack;

    deeper(0, s->low - 4096);
}

/* The programs' fibers are symbols for the dynamic linker. */
void greedy_fiber(void *arg);
void greedy_fiber(void *arg)
{
    (void)arg;
    overflow();
    ws_yield();
}

static void start_greedy_fiber(void *arg)
{
    ws_join(ws_go(greedy_fiber, arg));
}

static void overflow_with_label(void *arg)
{
    ws__fiber_label("GET /greedy");
    greedy_fiber(arg);
}

static void overflow_at_the_end(void *arg)
{
    (void)arg;
    overflow();
}

static void overflow_in_a_thread_of_its_own(void *arg)
{
    struct ws__worker *w = ws__worker_new(1024 * 1024);

    (void)arg;
    if (w)
        ws__run_worker(w, greedy_fiber, NULL);
}

static void overflow_in_another_thread(void *arg)
{
    (void)arg;
    ws__in_thread(overflow_in_a_thread_of_its_own, NULL);
}

static void write_to_null(void *arg)
{
    volatile uintptr_t near_null = 16;

    (void)arg;
    *(volatile char *)near_null = 1;
}

static void write_to_null_in_a_thread(void *arg)
{
    (void)arg;
    ws__in_thread(write_to_null, NULL);
}

static void send_itself_a_fault(void *arg)
{
    (void)arg;
    kill(getpid(), SIGSEGV);
    ws_sleep(60000);
}

static void come_to_the_end(void *arg)
{
    (void)arg;
}

static void say_ours(int signum)
{
    static const char ours[] = "ours\n";

    (void)signum;
    (void)!write(STDERR_FILENO, ours, sizeof(ours) - 1);
    _exit(3);
}

/* ---- Tests -------------------------------------------------------------- */

static const struct {
    enum ws__guard guard;
    int signum;
} guards[] = {
    { WS__GUARD_INSTALL, SIGSEGV },
    { WS__GUARD_MPROTECT, SIGSEGV },
    { WS__GUARD_CANARY, SIGABRT },
};

static void an_overflow_is_reported_by_the_fibers_function(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(guards); i++) {
        struct outcome o = outcome_of(
            (struct program){ start_greedy_fiber, guards[i].guard, NULL });

        assert_signal(&o, guards[i].signum);
        assert_says(&o, "silverback: the fiber greedy_fiber has overflowed its "
                        "stack of 256 KiB");
    }
}

static void an_overflow_is_reported_by_the_fibers_label(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(guards); i++) {
        struct outcome o = outcome_of(
            (struct program){ overflow_with_label, guards[i].guard, NULL });

        assert_signal(&o, guards[i].signum);
        assert_says(&o, "silverback: the handler of GET /greedy has overflowed "
                        "its stack of 256 KiB");
    }
}

/* Of a static function the symbol is not known: FILE+0xOFFSET, for addr2line. */
static void an_overflow_is_reported_before_the_fiber_ends(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(guards); i++) {
        struct outcome o = outcome_of(
            (struct program){ overflow_at_the_end, guards[i].guard, NULL });

        assert_signal(&o, guards[i].signum);
        assert_says(&o, "silverback: the fiber at ");
        assert_says(&o, "overflow_test+0x");
        assert_says(&o, " has overflowed its stack");
    }
}

static void an_overflow_is_reported_in_any_thread(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(guards); i++) {
        struct outcome o = outcome_of((struct program){
            overflow_in_another_thread, guards[i].guard, NULL });

        assert_signal(&o, guards[i].signum);
        assert_says(&o, "silverback: the fiber greedy_fiber has overflowed its "
                        "stack of 1024 KiB");
    }
}

static void other_faults_are_no_overflow(void **state)
{
    (void)state;
    void (*const faults[])(void *arg) = {
        write_to_null,
        write_to_null_in_a_thread,
        send_itself_a_fault,
    };

    for (size_t i = 0; i < COUNT(faults); i++) {
        struct outcome o =
            outcome_of((struct program){ faults[i], WS__GUARD_INSTALL, NULL });

        assert_signal(&o, SIGSEGV);
        assert_null(strstr(o.text, "overflowed"));
    }
}

static void the_programs_own_handler_is_called(void **state)
{
    (void)state;
    void (*const faults[])(void *arg) = {
        write_to_null,
        write_to_null_in_a_thread,
        send_itself_a_fault,
        greedy_fiber,
    };

    for (size_t i = 0; i < COUNT(faults); i++) {
        struct outcome o = outcome_of(
            (struct program){ faults[i], WS__GUARD_INSTALL, say_ours });

        assert_true(WIFEXITED(o.status));
        assert_says(&o, "ours\n");
        assert_int_equal(strstr(o.text, "overflowed") != NULL,
                         faults[i] == greedy_fiber);
    }
}

static void what_does_not_overflow_is_not_reported(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(guards); i++) {
        struct outcome o = outcome_of(
            (struct program){ come_to_the_end, guards[i].guard, NULL });

        assert_true(WIFEXITED(o.status));
        assert_int_equal(WEXITSTATUS(o.status), 0);
        assert_null(strstr(o.text, "overflowed"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overflow_is_reported_by_the_fibers_function),
        cmocka_unit_test(an_overflow_is_reported_by_the_fibers_label),
        cmocka_unit_test(an_overflow_is_reported_before_the_fiber_ends),
        cmocka_unit_test(an_overflow_is_reported_in_any_thread),
        cmocka_unit_test(other_faults_are_no_overflow),
        cmocka_unit_test(the_programs_own_handler_is_called),
        cmocka_unit_test(what_does_not_overflow_is_not_reported),
    };

    return cmocka_run_group_tests_name("overflow", tests, NULL, NULL);
}
