/* SPDX-License-Identifier: MIT */

/* Many fibers at once, and how they share a worker.  The full counts are for a
 * build that nothing slows down. */

#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <silverback/base.h>
#include <silverback/fiber.h>

#include "fiber/park.h"
#include "fiber/sanitizers.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "mode.h"

enum { LONG = 60000 };

static bool slowed_down(void)
{
    return WS__SANITIZED || RUNNING_ON_VALGRIND;
}

/* ThreadSanitizer knows a few thousand of them only, and valgrind goes through
 * all stacks whenever one is left.  32 bits have room for some thousands. */
static size_t most_alive(void)
{
    if (WS__TSAN || RUNNING_ON_VALGRIND)
        return 1000;
    return WS__ASAN || sizeof(size_t) < 8 ? 10000 : 100000;
}

static size_t at_most(size_t n)
{
    return n < most_alive() ? n : most_alive();
}

static size_t fibers_here(void)
{
    return (size_t)atomic_load(&ws__worker_here()->fibers);
}

static ws_fiber *go(void (*fn)(void *arg), void *arg)
{
    ws_fiber *f = ws_go(fn, arg);

    if (!f)
        abort(); /* not by cmocka: it may be any fiber */
    return f;
}

static ws_fiber **go_many(size_t n, void (*fn)(void *arg), void *arg)
{
    ws_fiber **f = malloc(n * sizeof(*f));

    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        f[i] = go(fn, arg);
    return f;
}

static void join_many(ws_fiber **f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ws_join(f[i]);
    free(f);
}

/* ---- Many --------------------------------------------------------------- */

static void add_one(void *count)
{
    ++*(long *)count;
}

static void a_million_come_and_are_joined(void **state)
{
    (void)state;
    long pairs = slowed_down() ? 20000 : 1000000, count = 0;

    ws_join(go(add_one, &count)); /* stacks are kept */
    long live = alloc_live();
    for (long i = 0; i < pairs; i++)
        ws_join(go(add_one, &count));
    assert_int_equal(count, pairs + 1);
    assert_int_equal(alloc_live(), live);
    assert_int_equal(fibers_here(), 1);
}

static void a_million_come_and_are_detached(void **state)
{
    (void)state;
    long all = slowed_down() ? 20000 : 1000000, count = 0;

    for (long i = 0; i < all; i++) {
        ws_detach(go(add_one, &count));
        if (i % 500 == 499)
            ws_yield();
    }
    while (fibers_here() > 1)
        ws_yield();
    assert_int_equal(count, all);
}

struct dormitory {
    size_t arrived;
    bool over;
    bool early;
};

static void sleep_until_over(void *arg)
{
    struct dormitory *d = arg;
    int64_t ms = 1 + (int64_t)(d->arrived++ * 7919 % 300);

    while (!d->over) {
        int64_t deadline = ws_after(ms);
        ws_sleep(ms);
        d->early = d->early || ws_now() < deadline;
    }
}

static void a_hundred_thousand_sleep_at_once(void **state)
{
    (void)state;
    size_t n = most_alive();
    struct dormitory d = { 0 };
    ws_fiber **f = go_many(n, sleep_until_over, &d);

    while (d.arrived < n)
        ws_sleep(1);
    assert_int_equal(fibers_here(), n + 1);
    d.over = true;
    join_many(f, n);
    assert_false(d.early);
    assert_int_equal(fibers_here(), 1);
}

/* What they needed is there for those that follow. */
static void their_stacks_are_used_again(void **state)
{
    (void)state;
    size_t n = most_alive();
    long live = alloc_live(), count = 0;

    for (int i = 0; i < 3; i++)
        join_many(go_many(n, add_one, &count), n);
    assert_int_equal(count, 3 * n);
    assert_int_equal(alloc_live(), live);
}

struct room {
    ws_mutex door;
    long inside;
    long most;
    long visits;
};

static void visit(void *arg)
{
    struct room *r = arg;

    for (int i = 0; i < 3; i++) {
        ws_mutex_lock(&r->door);
        r->inside++;
        r->most = r->inside > r->most ? r->inside : r->most;
        if (r->visits++ % 16 == 0)
            ws_yield();
        r->inside--;
        ws_mutex_unlock(&r->door);
    }
}

static void one_mutex_lets_ten_thousand_in_one_by_one(void **state)
{
    (void)state;
    size_t n = at_most(10000);
    struct room r = { .inside = 0 };

    join_many(go_many(n, visit, &r), n);
    assert_int_equal(r.visits, 3 * n);
    assert_int_equal(r.most, 1);
    assert_int_equal(r.inside, 0);
}

enum { GUESTS = 300 };

static void visit_many(void *room)
{
    ws_fiber *f[GUESTS];

    for (size_t i = 0; i < GUESTS; i++)
        f[i] = go(visit, room);
    for (size_t i = 0; i < GUESTS; i++)
        ws_join(f[i]);
}

static void run_visit_many(void *room)
{
    ws_run(visit_many, room);
}

static void one_mutex_is_for_all_workers_and_threads(void **state)
{
    (void)state;
    void (*const others[])(void *arg) = { run_visit_many, run_visit_many, visit,
                                          visit };
    struct room r = { .inside = 0 };
    ws_fiber *f[COUNT(others)];

    for (size_t i = 0; i < COUNT(others); i++)
        f[i] = ws__go_thread(others[i], &r);
    visit_many(&r);
    for (size_t i = 0; i < COUNT(others); i++)
        ws_join(f[i]);
    assert_int_equal(r.visits, 3 * (3 * GUESTS + 2));
    assert_int_equal(r.most, 1);
}

struct spender {
    ws_event over;
    struct ws__stack *stack;
    bool kept; /* what it has on its stack */
};

static __attribute__((noinline)) void spend_stack(void)
{
    volatile char room[128 * 1024];

    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 1;
}

static void spend_and_wait(void *arg)
{
    struct spender *s = arg;
    volatile long own[64];

    for (size_t i = 0; i < COUNT(own); i++)
        own[i] = (long)i;
    s->stack = ws__worker_here()->current->stack;
    spend_stack();
    ws_event_wait(&s->over, 0);
    s->kept = true;
    for (size_t i = 0; i < COUNT(own); i++)
        s->kept = s->kept && own[i] == (long)i;
}

static size_t resident(const struct ws__stack *s)
{
    unsigned char pages[256];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = ws__stack_size(s) / page,
           count = 0;

    assert_true(n <= COUNT(pages));
    assert_int_equal(mincore(s->low, n * page, pages), 0);
    for (size_t i = 0; i < n; i++)
        count += pages[i] & 1;
    return count * page;
}

static void who_waits_for_long_gives_its_memory_back(void **state)
{
    (void)state;
    struct spender s = { .kept = false };
    ws_fiber *f = go(spend_and_wait, &s);
    int64_t deadline = ws_after(LONG);

    ws_yield();
    assert_true(resident(s.stack) >= 128 * 1024);
    while (resident(s.stack) > 64 * 1024 && ws_now() < deadline)
        ws_sleep(10);
    assert_true(resident(s.stack) <= 64 * 1024);
    ws_event_set(&s.over);
    ws_join(f);
    assert_true(s.kept);
}

/* ---- Events ------------------------------------------------------------- */

struct crowd {
    ws_event event;
    size_t waiting;
    size_t woken;
};

static void wait_in_crowd(void *arg)
{
    struct crowd *c = arg;

    c->waiting++;
    if (ws_event_wait(&c->event, ws_after(LONG)) == 0)
        c->woken++;
}

static void a_signal_wakes_all_that_wait_for_its_event(void **state)
{
    (void)state;
    size_t n = at_most(1000);

    for (int round = 0; round < 20; round++) {
        struct crowd c = { .waiting = 0 };

        assert_int_equal(ws_notify(&c.event, SIGUSR1), 0);
        ws_fiber **f = go_many(n, wait_in_crowd, &c);
        while (c.waiting < n)
            ws_yield();
        assert_int_equal(c.woken, 0);
        kill(getpid(), SIGUSR1);
        join_many(f, n);
        assert_int_equal(c.woken, n);
        assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
    }
}

static void send_signals(void *rounds)
{
    for (int i = 0; i < *(int *)rounds; i++)
        kill(getpid(), SIGUSR2);
}

/* Whatever call they interrupt. */
static void signals_do_not_disturb(void **state)
{
    (void)state;
    int rounds = slowed_down() ? 200 : 5000;
    ws_event e = { 0 };
    long count = 0;

    assert_int_equal(ws_notify(&e, SIGUSR2), 0);
    ws_fiber *sender = ws__go_thread(send_signals, &rounds);
    assert_non_null(sender);
    for (int i = 0; i < rounds; i++) {
        ws_join(go(add_one, &count));
        if (i % 50 == 0)
            ws_sleep(1);
    }
    ws_join(sender);
    /* ThreadSanitizer loses a signal with the fiber that it came upon. */
    while (WS__TSAN && ws_event_wait(&e, ws_after(10)) != 0)
        kill(getpid(), SIGUSR2);
    assert_int_equal(ws_event_wait(&e, ws_after(LONG)), 0);
    assert_int_equal(count, rounds);
    assert_int_equal(ws_notify(NULL, SIGUSR2), 0);
}

struct bell {
    ws_event event;
    bool heard;
};

static void wait_for_bell(void *arg)
{
    struct bell *b = arg;

    b->heard = ws_event_wait(&b->event, ws_after(LONG)) == 0;
}

enum { RINGERS = 4 };

struct ringer {
    struct bell *bells;
    size_t n;
    size_t first;
    ws_fiber *thread;
};

static void ring(void *arg)
{
    struct ringer *r = arg;

    for (size_t i = r->first; i < r->n; i += RINGERS)
        ws_event_set(&r->bells[i * 7919 % r->n].event);
}

static void threads_set_the_events_of_ten_thousand(void **state)
{
    (void)state;
    size_t n = at_most(10000);
    struct bell *bells = calloc(n, sizeof(*bells));
    ws_fiber **f = malloc(n * sizeof(*f));
    struct ringer ringers[RINGERS];

    assert_true(bells && f);
    for (size_t i = 0; i < n; i++)
        f[i] = go(wait_for_bell, &bells[i]);
    for (size_t i = 0; i < RINGERS; i++) {
        ringers[i] = (struct ringer){ bells, n, i, NULL };
        ringers[i].thread = ws__go_thread(ring, &ringers[i]);
        assert_non_null(ringers[i].thread);
    }
    join_many(f, n);
    for (size_t i = 0; i < n; i++)
        assert_true(bells[i].heard);
    for (size_t i = 0; i < RINGERS; i++)
        ws_join(ringers[i].thread);
    free(bells);
}

/* The event is on the stack of who waits, and gone as soon as it is seen. */
static void an_event_may_go_as_soon_as_it_was_seen(void **state)
{
    (void)state;
    int rounds = slowed_down() ? 500 : 10000;
    struct ringer r = { .n = 1, .first = 0 };

    for (int i = 0; i < rounds; i++) {
        struct bell b = { .heard = false };

        r.bells = &b;
        ws_fiber *f = i % 8 ? go(ring, &r) : ws__go_thread(ring, &r);
        ws_event_wait(&b.event, 0);
        memset(&b, 0xff, sizeof(b));
        ws_join(f);
    }
}

/* ---- Joining from elsewhere --------------------------------------------- */

struct joiner {
    ws_fiber **f;
    size_t n;
    ws_fiber *thread;
};

static void join_them(void *arg)
{
    struct joiner *j = arg;

    for (size_t i = 0; i < j->n; i++)
        ws_join(j->f[i]);
}

static void join_them_in_a_worker(void *arg)
{
    ws_run(join_them, arg);
}

static void yield_and_add_one(void *count)
{
    ws_yield();
    atomic_fetch_add((atomic_long *)count, 1);
}

static void fibers_are_joined_by_workers_and_threads(void **state)
{
    (void)state;
    enum { EACH = 200, JOINERS = 4 };
    atomic_long count = 0;
    ws_fiber *f[JOINERS * EACH];
    struct joiner j[JOINERS];

    for (size_t i = 0; i < COUNT(f); i++)
        f[i] = go(yield_and_add_one, &count);
    for (size_t i = 0; i < JOINERS; i++) {
        j[i] = (struct joiner){ &f[i * EACH], EACH, NULL };
        j[i].thread =
            ws__go_thread(i % 2 ? join_them : join_them_in_a_worker, &j[i]);
        assert_non_null(j[i].thread);
    }
    for (size_t i = 0; i < JOINERS; i++)
        ws_join(j[i].thread);
    assert_int_equal(atomic_load(&count), COUNT(f));
    while (fibers_here() > 1)
        ws_yield();
}

static void threads_are_joined_by_fibers(void **state)
{
    (void)state;
    atomic_long count = 0;
    ws_fiber *f[20];

    for (size_t i = 0; i < COUNT(f); i++) {
        f[i] = ws__go_thread(yield_and_add_one, &count);
        assert_non_null(f[i]);
    }
    for (size_t i = 0; i < COUNT(f); i++)
        ws_join(f[i]);
    assert_int_equal(atomic_load(&count), COUNT(f));
}

/* ---- Turns -------------------------------------------------------------- */

enum { TURNS = 500, PLAYERS = 10 };

static long turns_taken[PLAYERS];
static bool somebody_is_ahead;

static void take_turns(void *own)
{
    long *turns = own;

    while (*turns < TURNS) {
        ++*turns;
        for (size_t i = 0; i < PLAYERS; i++)
            if (labs(turns_taken[i] - *turns) > 1)
                somebody_is_ahead = true;
        ws_yield();
    }
}

static void those_that_yield_take_turns(void **state)
{
    (void)state;
    ws_fiber *f[PLAYERS];

    memset(turns_taken, 0, sizeof(turns_taken));
    for (size_t i = 0; i < PLAYERS; i++)
        f[i] = go(take_turns, &turns_taken[i]);
    for (size_t i = 0; i < PLAYERS; i++)
        ws_join(f[i]);
    assert_false(somebody_is_ahead);
}

struct chat {
    void (*spend)(void);
    bool over;
    long heard;
};

static void talk(void *arg)
{
    struct chat *c = arg;

    for (int i = 0; i < 100 * (WS__BUDGET + 1); i++)
        c->spend();
    c->over = true;
}

static void spend_kilobytes(void)
{
    ws__spend_bytes(WS__BUDGET_BYTES);
    ws__take_turns();
}

static void spend_very_much(void)
{
    static int n;

    if (++n % 50 == 0)
        ws__spend_bytes(SIZE_MAX);
    ws__take_turns();
}

static void spend_time(void)
{
    ws__spend_ticks(2 * ws__ticks_per_us());
    ws__take_turns();
}

static void spend_much_time(void)
{
    static int n;

    if (++n % 50 == 0)
        ws__spend_ticks(UINT64_MAX);
    ws__take_turns();
}

static void a_chatty_one_lets_others_have_their_turn(void **state)
{
    (void)state;
    const struct {
        void (*spend)(void);
        long least, most;
    } ways[] = {
        { ws__spend_message, 100, 102 }, { spend_kilobytes, 100, 102 },
        { spend_very_much, 60, 131 },    { spend_time, 100, 102 },
        { spend_much_time, 60, 131 },
    };

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct chat c = { .spend = ways[i].spend };
        ws_fiber *f = go(talk, &c);

        for (; !c.over; c.heard++)
            ws_yield();
        ws_join(f);
        assert_in_range(c.heard, ways[i].least, ways[i].most);
    }
}

/* A few bytes cost nothing, so that small messages are counted once. */
static void a_few_bytes_are_free(void **state)
{
    (void)state;
    long count = 0;
    ws_fiber *f = go(add_one, &count);

    for (int i = 0; i < 10000; i++) {
        ws__spend_bytes(WS__BUDGET_BYTES - 1);
        ws__take_turns();
    }
    assert_int_equal(count, 0);
    ws_join(f);
}

enum { SLOW = 10 };

static int in_a_row, most_in_a_row;

static void be_slow(void *arg)
{
    (void)arg;
    for (int i = 0; i < SLOW; i++) {
        ws__take_place();
        if (++in_a_row > most_in_a_row)
            most_in_a_row = in_a_row;
    }
}

static void slow_ones_let_others_run_in_between(void **state)
{
    (void)state;
    ws_fiber *f[SLOW];

    for (int i = 0; i < SLOW; i++)
        f[i] = go(be_slow, NULL);
    ws_yield();
    for (int i = 0; i < SLOW * SLOW; i++) {
        in_a_row = 0;
        ws_yield();
    }
    assert_int_equal(most_in_a_row, 1);
    for (int i = 0; i < SLOW; i++)
        ws_join(f[i]);
}

struct nap {
    int64_t deadline;
    struct ws__parker *sleeper;
    int first, second;
    bool over;
};

static void sleep_twice(void *arg)
{
    struct nap *n = arg;

    n->sleeper = ws__parker_self();
    n->deadline = ws__worker_here()->now + 1; /* once this round is over */
    n->first = ws__park(n->deadline);
    n->second = ws__park(ws_after(LONG));
    n->over = true;
}

/* Its time is up in the round in which it is woken, before that. */
static void a_wake_up_behind_a_timeout_is_kept(void **state)
{
    (void)state;
    struct nap n = { .deadline = 0 };
    ws_fiber *f = go(sleep_twice, &n);

    do
        ws_yield();
    while (ws__worker_here()->now < n.deadline);
    ws__unpark(n.sleeper);
    ws_yield();
    assert_true(n.over);
    assert_int_equal(n.first, WS_ERR_TIMEOUT);
    assert_int_equal(n.second, 0);
    ws_join(f);
}

static long started_one, started_two;

static void start_two(struct ws__callee *c, int events)
{
    (void)c;
    (void)events;
    ws__go_at_once(add_one, &started_one);
    ws__go_at_once(add_one, &started_two);
}

/* Before who is ready; a second one has its turn behind them. */
static void whom_the_loop_has_started_runs_first(void **state)
{
    (void)state;
    struct ws__alarm alarm = { .callee = { start_two } };

    ws__alarm_start(&alarm, ws_now());
    while (started_one + started_two == 0)
        ws_yield();
    assert_int_equal(started_one, 1);
    assert_int_equal(started_two, 0);
    ws_yield();
    assert_int_equal(started_two, 1);

    ws__go_at_once(add_one, &started_one); /* not by the loop */
    assert_int_equal(started_one, 1);
    ws_yield();
    assert_int_equal(started_one, 2);
}

static void spoil_errno(void *over)
{
    while (!*(bool *)over) {
        errno = EDOM;
        ws_yield();
        errno = EDOM;
    }
}

static void errno_survives_a_wait(void **state)
{
    (void)state;
    bool over = false;
    ws_fiber *f = go(spoil_errno, &over);
    ws_event e = { 0 };

    errno = ERANGE;
    ws_yield();
    assert_int_equal(errno, ERANGE);
    ws_sleep(1);
    assert_int_equal(errno, ERANGE);
    ws_event_wait(&e, ws_after(1));
    assert_int_equal(errno, ERANGE);
    over = true;
    ws_join(f);
    assert_int_equal(errno, ERANGE);
}

static void compute_until(int64_t deadline)
{
    while (ws_now() < deadline)
        continue;
}

/* The loop has to look at the clock again: what it knew is from before. */
static void a_sleep_is_not_longer_for_what_was_computed_before(void **state)
{
    (void)state;
    enum { COMPUTE = 200, SLEEP = 10, TRIES = 5 };
    int good = 0;

    for (int i = 0; i < TRIES; i++) {
        compute_until(ws_after(COMPUTE));
        int64_t before = ws_now();
        ws_sleep(SLEEP);
        int64_t slept = ws_now() - before;
        assert_true(slept >= SLEEP);
        good += slept < COMPUTE / 2;
    }
    assert_true(good > TRIES / 2); /* the machine may be busy */
}

/* Of the watchdog: the last test holds its worker up. */
static void ignore(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

/* The group in a fiber with a stack like any handler's. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_come_and_are_joined),
        cmocka_unit_test(a_million_come_and_are_detached),
        cmocka_unit_test(a_hundred_thousand_sleep_at_once),
        cmocka_unit_test(their_stacks_are_used_again),
        cmocka_unit_test(who_waits_for_long_gives_its_memory_back),
        cmocka_unit_test(one_mutex_lets_ten_thousand_in_one_by_one),
        cmocka_unit_test(one_mutex_is_for_all_workers_and_threads),
        cmocka_unit_test(a_signal_wakes_all_that_wait_for_its_event),
        cmocka_unit_test(signals_do_not_disturb),
        cmocka_unit_test(threads_set_the_events_of_ten_thousand),
        cmocka_unit_test(an_event_may_go_as_soon_as_it_was_seen),
        cmocka_unit_test(fibers_are_joined_by_workers_and_threads),
        cmocka_unit_test(threads_are_joined_by_fibers),
        cmocka_unit_test(those_that_yield_take_turns),
        cmocka_unit_test(slow_ones_let_others_run_in_between),
        cmocka_unit_test(a_chatty_one_lets_others_have_their_turn),
        cmocka_unit_test(a_few_bytes_are_free),
        cmocka_unit_test(a_wake_up_behind_a_timeout_is_kept),
        cmocka_unit_test(whom_the_loop_has_started_runs_first),
        cmocka_unit_test(errno_survives_a_wait),
        cmocka_unit_test(a_sleep_is_not_longer_for_what_was_computed_before),
    };
    struct mode_tests t = { "fibers", tests, COUNT(tests), NULL, NULL, 0 };

    alloc_fail_install();
    ws_set_log(ignore, NULL);
    return ws_run(mode_run_tests, &t) == 0 ? t.failed : 1;
}
