/* SPDX-License-Identifier: MIT */

#ifndef TESTS_PARK_SCENES_H
#define TESTS_PARK_SCENES_H

/* What fibers of one worker and threads may do at once with locks, events and
 * tokens.  In each of these everybody comes to an end. */

#include "park_world.h"

/* ---- A lock ------------------------------------------------------------- */

static struct {
    struct ws__lock lock;
    int inside;
} locked;

static void is_inside(void)
{
    if (++locked.inside > 1)
        park_is_wrong("two have the lock");
    explore_point();
    locked.inside--;
}

static void locks(void)
{
    if (ws__lock_until(&locked.lock, 0) != 0)
        park_is_wrong("who has no deadline did not get the lock");
    is_inside();
    ws__unlock(&locked.lock);
}

static void locks_twice(void)
{
    locks();
    locks();
}

static void locks_in_time(void)
{
    if (ws__lock_until(&locked.lock, SOON) != 0)
        return;
    is_inside();
    ws__unlock(&locked.lock);
}

/* As who answers does: others put that off. */
static void locks_briefly(void)
{
    ws__lock_briefly(&locked.lock);
    is_inside();
    ws__unlock(&locked.lock);
}

/* ---- Events ------------------------------------------------------------- */

static ws_event event, other_event;

static void sets(void)
{
    ws_event_set(&event);
}

/* Whoever has seen it set before it is cleared goes on; who comes late is served
 * by the other one. */
static void sets_and_clears(void)
{
    ws_event_set(&event);
    ws_event_clear(&event);
}

static void cancels(void)
{
    ws_event_set(&other_event);
}

static void waits(void)
{
    if (ws_event_wait(&event, 0) != 0)
        park_is_wrong("who has no deadline did not wait");
}

static void waits_in_time(void)
{
    int r = ws_event_wait(&event, SOON);

    if (r != 0 && r != WS_ERR_TIMEOUT)
        park_is_wrong("neither in time nor too late");
}

static void waits_or_is_canceled(void)
{
    int r = ws__event_wait(&event, 0, &other_event);

    if (r != 0 && r != WS_ERR_CANCELED)
        park_is_wrong("neither set nor canceled");
    if (r == WS_ERR_CANCELED && !ws_event_is_set(&other_event))
        park_is_wrong("canceled by nobody");
}

/* It ends its life as soon as it was seen set. */
static ws_event *_Atomic lent;
static bool lent_wait;

static bool is_lent(void *arg)
{
    (void)arg;
    return lent != NULL;
}

static void lends(void)
{
    static ws_event mine;
    void *const gone = (void *)(uintptr_t)0x10;

    mine = (ws_event){ 0 };
    lent = &mine;
    ws_event_wait(&mine, 0);
    memcpy(&mine, &gone, sizeof(gone));
    lent_wait = true;
}

static const char *lent_is_left_alone(void)
{
    void *now;
    const char *wrong = park_end();

    memcpy(&now, lent, sizeof(now));
    return wrong || now == (void *)(uintptr_t)0x10
               ? wrong
               : "an event was touched after its end";
}

static void sets_what_was_lent(void)
{
    explore_await(is_lent, NULL);
    ws_event_set(lent);
}

/* ---- Tokens ------------------------------------------------------------- */

static struct ws__parker *_Atomic sleeper;

static bool sleeps(void *arg)
{
    (void)arg;
    return sleeper != NULL;
}

/* One token comes: if it is too late for the first wait, the second has it. */
static void parks_till_woken(void)
{
    sleeper = ws__parker_self();
    if (ws__park(SOON) == WS_ERR_TIMEOUT)
        (void)ws__park(0);
}

static void wakes(void)
{
    explore_await(sleeps, NULL);
    ws__unpark(sleeper);
}

/* ---- A thread that waits for a descriptor, too -------------------------- */

static void polls(void)
{
    struct ws__waiter w;

    while (!ws_event_is_set(&event) && !park.ready) {
        if (!ws__lot_enter(&w, &event, is_unset))
            return;
        (void)ws__park_fd(0, NULL, POLLIN, 0, false);
        ws__lot_leave(&w);
    }
}

static void comes(void)
{
    explore_point();
    park.ready = true;
}

/* Its token was for the first wait. */
static void polls_and_waits(void)
{
    polls();
    if (ws_event_wait(&other_event, 0) != 0)
        park_is_wrong("who has no deadline did not wait");
}

static void sets_both(void)
{
    ws_event_set(&event);
    ws_event_set(&other_event);
}

/* ---- Mail --------------------------------------------------------------- */

static struct ws__post posts[2];

static void post_came(struct ws__post *p)
{
    ws_event_set(p == &posts[0] ? &event : &other_event);
}

static void posts_one(int i)
{
    posts[i].fn = post_came;
    if (!ws__worker_post(&park.worker, &posts[i]))
        park_is_wrong("the worker has ended, and its fibers have not");
}

static void posts_first(void)
{
    posts_one(0);
}

static void posts_second(void)
{
    posts_one(1);
}

/* The worker may have ended: then it says so. */
static int taken, dealt_with;

static void post_is_dealt_with(struct ws__post *p)
{
    (void)p;
    dealt_with++;
}

static void posts_in_time_or_not(void)
{
    posts[0].fn = post_is_dealt_with;
    taken += ws__worker_post(&park.worker, &posts[0]);
}

static const char *all_is_dealt_with(void)
{
    const char *wrong = park_end();

    return wrong || taken == dealt_with ? wrong : "mail was taken, and lost";
}

static void waits_for_second(void)
{
    ws_event_wait(&other_event, 0);
}

/* ------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void scene_begin(int times, void (*a)(void), void (*b)(void),
                        void (*c)(void), void (*d)(void))
{
    park_begin();
    memset(&locked, 0, sizeof(locked));
    event = other_event = (ws_event){ 0 };
    lent = NULL;
    lent_wait = false;
    sleeper = NULL;
    taken = dealt_with = 0;
    park.times = times;
    park_parts[0] = a;
    park_parts[1] = b;
    park_parts[2] = c;
    park_parts[3] = d;
}

#define PARK_BEGIN(name, times, a, b, c, d)                                    \
    static void name(void)                                                     \
    {                                                                          \
        scene_begin(times, a, b, c, d);                                        \
    }

PARK_BEGIN(a_lock, 0, locks, locks, locks, locks)
PARK_BEGIN(a_lock_twice, 0, locks_twice, locks, locks_twice, nothing)
PARK_BEGIN(a_lock_in_time, 2, locks_in_time, locks, locks_in_time, locks)
PARK_BEGIN(a_lock_briefly, 2, locks_briefly, locks, locks, nothing)
PARK_BEGIN(an_event, 0, waits, waits, waits, sets)
PARK_BEGIN(an_event_of_a_fiber, 0, waits, sets, waits, waits)
PARK_BEGIN(an_event_in_time, 2, waits_in_time, waits_in_time, waits_in_time,
           sets_and_clears)
PARK_BEGIN(a_cancel, 0, waits_or_is_canceled, cancels, waits_or_is_canceled,
           sets)
PARK_BEGIN(a_lent_event, 0, lends, nothing, sets_what_was_lent, nothing)
PARK_BEGIN(a_lent_event_of_a_thread, 0, sets_what_was_lent, nothing, lends,
           nothing)
PARK_BEGIN(a_token, 1, parks_till_woken, nothing, wakes, nothing)
PARK_BEGIN(a_token_for_a_thread, 1, wakes, nothing, parks_till_woken, nothing)
PARK_BEGIN(a_poll, 0, sets, nothing, polls, comes)
PARK_BEGIN(two_polls, 0, nothing, sets_both, polls_and_waits, polls_and_waits)
PARK_BEGIN(mail, 0, waits, waits_for_second, posts_first, posts_second)
PARK_BEGIN(late_mail, 0, nothing, nothing, posts_in_time_or_not, nothing)

#define PARK_SCENE(title, begin, end)                                          \
    {                                                                          \
        title,                                                                 \
        {                                                                      \
            begin, end,                                                        \
            {                                                                  \
                { "the loop", the_loop }, { "a fiber", a_fiber },              \
                    { "another fiber", a_fiber }, { "a thread", a_thread },    \
                {                                                              \
                    "another thread", a_thread                                 \
                }                                                              \
            }                                                                  \
        }                                                                      \
    }

static const struct explore_scene scenes[] = {
    PARK_SCENE("a lock", a_lock, park_end),
    PARK_SCENE("a lock, again and again", a_lock_twice, park_end),
    PARK_SCENE("a lock, with deadlines", a_lock_in_time, park_end),
    PARK_SCENE("a lock that is held for moments", a_lock_briefly, park_end),
    PARK_SCENE("an event, set by a thread", an_event, park_end),
    PARK_SCENE("an event, set by a fiber", an_event_of_a_fiber, park_end),
    PARK_SCENE("an event, with deadlines, and cleared", an_event_in_time,
               park_end),
    PARK_SCENE("an event, or another one", a_cancel, park_end),
    PARK_SCENE("an event of a fiber's that ends when it is set", a_lent_event,
               lent_is_left_alone),
    PARK_SCENE("an event of a thread's that ends when it is set",
               a_lent_event_of_a_thread, lent_is_left_alone),
    PARK_SCENE("a fiber's token, and a deadline", a_token, park_end),
    PARK_SCENE("a thread's token, and a deadline", a_token_for_a_thread,
               park_end),
    PARK_SCENE("a descriptor, or an event", a_poll, park_end),
    PARK_SCENE("two who poll, and wait", two_polls, park_end),
    PARK_SCENE("mail for a loop that may sleep", mail, park_end),
    PARK_SCENE("mail for a loop that may end", late_mail, all_is_dealt_with),
};

#endif
