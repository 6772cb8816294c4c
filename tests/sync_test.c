/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fiber/sched.h"
#include "fiber/sync.h"
#include "mode.h"

enum { THREADS = 8, LONG = 60000 };

static int many(void)
{
    return rounds(10000);
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
    return t;
}

static void an_event_stays_set_until_it_is_cleared(void **state)
{
    (void)state;
    ws_event e = { 0 };

    assert_false(ws_event_is_set(&e));
    assert_int_equal(ws_event_wait(&e, 1), WS_ERR_TIMEOUT);
    ws_event_set(&e);
    ws_event_set(&e);
    assert_true(ws_event_is_set(&e));
    assert_int_equal(ws_event_wait(&e, 0), 0);
    assert_int_equal(ws_event_wait(&e, 1), 0);
    ws_event_clear(&e);
    assert_int_equal(ws_event_wait(&e, 1), WS_ERR_TIMEOUT);
}

static void an_event_times_out_not_before_the_deadline(void **state)
{
    (void)state;
    ws_event e = { 0 };
    int64_t deadline = ws_after(20);

    assert_int_equal(ws_event_wait(&e, deadline), WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
}

static void *wait_for_event(void *e)
{
    return ws_event_wait(e, ws_after(LONG)) == 0 ? NULL : e;
}

static void an_event_wakes_all_who_wait(void **state)
{
    (void)state;
    pthread_t t[THREADS];
    ws_event e = { 0 };

    for (int i = 0; i < THREADS; i++)
        t[i] = start(wait_for_event, &e);
    ws_event_set(&e);
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(t[i], &failed);
        assert_null(failed);
    }
}

/* Sets what it is handed, until it is handed an event with no successor. */
struct setter {
    _Atomic(ws_event *) next;
    atomic_bool stop;
};

static void *set_what_comes(void *arg)
{
    struct setter *s = arg;

    while (!atomic_load(&s->stop)) {
        ws_event *e = atomic_exchange(&s->next, NULL);

        if (e)
            ws_event_set(e);
    }
    return NULL;
}

static void wait_on_a_stack_of_its_own(struct setter *s, bool late)
{
    ws_event e = { 0 };

    atomic_store(&s->next, &e);
    while (late && !ws_event_is_set(&e))
        continue;
    assert_int_equal(ws_event_wait(&e, 0), 0);
    memset(&e, 0xff, sizeof(e));
}

static void an_event_may_end_as_soon_as_the_wait_returns(void **state)
{
    (void)state;
    struct setter s = { .stop = false };
    pthread_t t = start(set_what_comes, &s);

    for (int i = 0; i < many(); i++)
        wait_on_a_stack_of_its_own(&s, i % 2);
    for (int i = 0; i < many(); i++) {
        ws_event *e = calloc(1, sizeof(*e));

        atomic_store(&s.next, e);
        assert_int_equal(ws_event_wait(e, 0), 0);
        free(e); /* which AddressSanitizer watches */
    }
    atomic_store(&s.stop, true);
    pthread_join(t, NULL);
}

static void set_leaves_nobody_queued(void **state)
{
    (void)state;
    struct ws__waiter w[3];
    ws_event e = { 0 };

    for (size_t i = 0; i < COUNT(w); i++)
        assert_true(ws__lot_enter(&w[i], &e, ws__event_is_unset));
    ws_event_set(&e);
    for (size_t i = 0; i < COUNT(w); i++)
        assert_false(ws__lot_leave(&w[i]));
    assert_int_equal(ws__park(1), 0);
}

struct pulse {
    ws_event e;
    ws_event back;
    atomic_int sent;
    bool ahead; /* one was heard that was not sent */
};

static void *answer_pulses(void *arg)
{
    struct pulse *p = arg;

    for (int i = 0; i < many(); i++) {
        ws_event_wait(&p->e, 0);
        p->ahead = p->ahead || atomic_load(&p->sent) != i + 1;
        ws_event_clear(&p->e);
        ws_event_set(&p->back);
    }
    return NULL;
}

static void events_carry_a_dialogue(void **state)
{
    (void)state;
    struct pulse p = { 0 };
    pthread_t t = start(answer_pulses, &p);

    for (int i = 0; i < many(); i++) {
        atomic_store(&p.sent, i + 1);
        ws_event_set(&p.e);
        assert_int_equal(ws_event_wait(&p.back, ws_after(LONG)), 0);
        ws_event_clear(&p.back);
    }
    pthread_join(t, NULL);
    assert_false(p.ahead);
}

static atomic_bool busy, may_go;

static bool dawdle(const void *key)
{
    (void)key;
    atomic_store(&busy, true);
    while (!atomic_load(&may_go))
        sched_yield();
    return false;
}

static void *hold_queue(void *e)
{
    struct ws__waiter w;

    ws__lot_enter(&w, e, dawdle);
    return NULL;
}

static void *set_event(void *e)
{
    ws_event_set(e);
    return NULL;
}

/* Or whoever sees it could be done with it, and the wake reach one who waits for
 * what lies in its place by then. */
static void an_event_is_not_set_before_its_queue_is_there(void **state)
{
    (void)state;
    ws_event e = { 0 };

    atomic_store(&busy, false);
    atomic_store(&may_go, false);
    pthread_t holder = start(hold_queue, &e);
    while (!atomic_load(&busy))
        sched_yield();
    pthread_t setter = start(set_event, &e);
    ws_sleep(20); /* it would be by then */
    bool early = ws_event_is_set(&e);
    atomic_store(&may_go, true);
    pthread_join(holder, NULL);
    pthread_join(setter, NULL);
    assert_false(early);
    assert_true(ws_event_is_set(&e));
}

struct pulse_seen {
    ws_event e;
    bool seen, in_time;
};

static void wait_for_pulse(void *arg)
{
    struct pulse_seen *p = arg;

    ws_event_wait(&p->e, 0);
    p->seen = true;
}

static void set_and_clear(void *arg)
{
    struct pulse_seen *p = arg;
    ws_fiber *f = ws_go(wait_for_pulse, p);

    ws_yield();
    ws_event_set(&p->e);
    ws_event_clear(&p->e);
    ws_yield();
    p->in_time = p->seen;
    ws_event_set(&p->e);
    ws_join(f);
}

/* Of fibers of one worker it is known who waits already. */
static void a_wait_sees_an_event_that_was_cleared_again(void **state)
{
    (void)state;
    struct pulse_seen p = { .seen = false };

    mode_in_fiber(set_and_clear, &p);
    assert_true(p.in_time);
}

/* The thread that is woken looks for the event's change, not at the event. */
static void a_waiter_that_was_woken_does_not_ask_again(void **state)
{
    (void)state;
    struct ws__waiter w;
    ws_event e = { 0 };

    assert_true(ws__lot_enter(&w, &e, ws__event_is_unset));
    ws_event_set(&e);
    ws_event_clear(&e);
    assert_int_equal(ws__park(1), 0);
    assert_false(ws__lot_leave(&w));
    ws_event_set(&e);
    assert_false(ws__lot_enter(&w, &e, ws__event_is_unset));
}

struct shared {
    ws_mutex m;
    long count; /* not atomic */
    bool timed;
};

static void *increment(void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < many(); i++) {
        if (!s->timed)
            ws_mutex_lock(&s->m);
        else
            while (ws__lock_until(ws__lock_of(&s->m), ws_after(i % 2)) != 0)
                continue;
        s->count++;
        ws_mutex_unlock(&s->m);
    }
    return NULL;
}

static void a_mutex_lets_one_in_at_a_time(void **state)
{
    (void)state;

    for (int timed = 0; timed < 2; timed++) {
        struct shared s = { .timed = timed };
        pthread_t t[THREADS];

        for (int i = 0; i < THREADS; i++)
            t[i] = start(increment, &s);
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
        assert_int_equal(s.count, THREADS * many());
        assert_true(ws__trylock(ws__lock_of(&s.m)));
    }
}

static void a_held_mutex_is_not_locked_again(void **state)
{
    (void)state;
    ws_mutex m = { 0 };

    assert_true(ws__trylock(ws__lock_of(&m)));
    assert_false(ws__trylock(ws__lock_of(&m)));
    int64_t deadline = ws_after(20);
    assert_int_equal(ws__lock_until(ws__lock_of(&m), deadline), WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
    ws_mutex_unlock(&m);
    ws_mutex_lock(&m);
    ws_mutex_unlock(&m);
}

static void a_free_mutex_is_taken_after_the_deadline(void **state)
{
    (void)state;
    ws_mutex m = { 0 };

    assert_int_equal(ws__lock_until(ws__lock_of(&m), 1), 0);
    assert_int_equal(ws__lock_until(ws__lock_of(&m), 1), WS_ERR_TIMEOUT);
    ws_mutex_unlock(&m);
    assert_int_equal(ws__lock_until(ws__lock_of(&m), 1), 0);
}

static void *lock_and_unlock(void *m)
{
    ws_mutex_lock(m);
    ws_mutex_unlock(m);
    return NULL;
}

/* Unlocked while others are queued, give up, or come by. */
static void an_unlock_wakes_who_waits(void **state)
{
    (void)state;

    for (int i = 0; i < 200; i++) {
        ws_mutex m = { 0 };
        pthread_t t[2];

        ws_mutex_lock(&m);
        for (size_t n = 0; n < COUNT(t); n++)
            t[n] = start(lock_and_unlock, &m);
        ws__lock_until(ws__lock_of(&m), 1);
        ws_mutex_unlock(&m);
        for (size_t n = 0; n < COUNT(t); n++)
            pthread_join(t[n], NULL);
        assert_true(ws__trylock(ws__lock_of(&m)));
    }
}

/* A fiber and the loop of its worker wait for the same lock. */
static struct {
    ws_mutex m;
    ws_event locked;
    atomic_int waiting;
    struct ws__alarm alarm;
} both;

static void *hold_for_both(void *arg)
{
    ws_mutex_lock(&both.m);
    ws_event_set(&both.locked);
    while (atomic_load(&both.waiting) < 2)
        sched_yield();
    for (int i = 0; i < 1000; i++) /* until they are queued, as a rule */
        sched_yield();
    ws_mutex_unlock(&both.m);
    return arg;
}

static void wait_briefly(void *arg)
{
    (void)arg;
    atomic_fetch_add(&both.waiting, 1);
    ws__lock_briefly(ws__lock_of(&both.m));
    ws_mutex_unlock(&both.m);
}

static void wait_in_loop(struct ws__callee *c, int events)
{
    (void)events;
    wait_briefly(c);
}

static void wait_in_both(void *arg)
{
    pthread_t t = start(hold_for_both, NULL);

    (void)arg;
    both.alarm.callee.call = wait_in_loop;
    ws_event_wait(&both.locked, 0);
    ws_fiber *f = ws_go(wait_briefly, NULL);
    while (atomic_load(&both.waiting) < 1)
        ws_yield();
    ws__alarm_start(&both.alarm, ws_now());
    ws_join(f);
    while (atomic_load(&both.waiting) < 2)
        ws_yield();
    pthread_join(t, NULL);
}

static void a_workers_loop_does_not_wait_behind_its_own_fiber(void **state)
{
    (void)state;
    mode_in_fiber(wait_in_both, NULL);
    assert_true(ws__trylock(ws__lock_of(&both.m)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_stays_set_until_it_is_cleared),
        cmocka_unit_test(an_event_times_out_not_before_the_deadline),
        cmocka_unit_test(an_event_wakes_all_who_wait),
        cmocka_unit_test(an_event_may_end_as_soon_as_the_wait_returns),
        cmocka_unit_test(set_leaves_nobody_queued),
        cmocka_unit_test(events_carry_a_dialogue),
        cmocka_unit_test(an_event_is_not_set_before_its_queue_is_there),
        cmocka_unit_test(a_wait_sees_an_event_that_was_cleared_again),
        cmocka_unit_test(a_waiter_that_was_woken_does_not_ask_again),
        cmocka_unit_test(a_mutex_lets_one_in_at_a_time),
        cmocka_unit_test(a_held_mutex_is_not_locked_again),
        cmocka_unit_test(a_free_mutex_is_taken_after_the_deadline),
        cmocka_unit_test(an_unlock_wakes_who_waits),
        cmocka_unit_test(a_workers_loop_does_not_wait_behind_its_own_fiber),
    };

    return run_in_mode("sync", tests, NULL, NULL);
}
