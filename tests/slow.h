/* SPDX-License-Identifier: MIT */

#ifndef TESTS_SLOW_H
#define TESTS_SLOW_H

/* A peer that takes its time, and may have something to say meanwhile. */

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <silverback/fiber.h>

#include "test.h"

struct slow {
    int fd;
    ssize_t (*take)(struct slow *s, void *buf, size_t n); /* NULL: recv */
    void (*talk)(struct slow *s);                         /* NULL: send */
    void *arg;
    size_t step;     /* so much at a time, */
    int pause_ms;    /* with a pause after it */
    const void *say; /* and this after each pause; NULL: nothing */
    size_t say_n;
    int64_t since; /* when the other end may have begun to wait */

    size_t got;      /* before the end of the stream */
    int64_t longest; /* from then, or one step, to the next, */
    int64_t last;    /* and from the last one to the end */
    bool reset;      /* the end was none, but an error */
};

enum { SLOW_WAIT_MS = 20 * 1000 };

/*
 * How long the other end waits for who takes nothing: twice as long in each
 * try, until the pauses that the machine makes by itself are short beside it.
 * Two steps may pass before the other end's kernel hears of the first.
 */
enum { SLOW_FIRST_MS = 100, SLOW_LAST_MS = 64 * SLOW_FIRST_MS };

/* Did this try tell, or was the peer itself too slow for what it wants, which is
 * the end, too? */
static inline bool slow_tells(const struct slow *s, int wait_ms, size_t want)
{
    return s->longest < wait_ms / 3 &&
           ((s->got >= want && !s->reset) || s->last < wait_ms / 3);
}

static inline int slow_longer(int wait_ms)
{
    assert_true(wait_ms < SLOW_LAST_MS);
    return 2 * wait_ms;
}

static inline ssize_t slow_take(struct slow *s, void *buf, size_t n)
{
    if (s->take)
        return s->take(s, buf, n);
    if (ws_wait_fd(s->fd, POLLIN, ws_after(SLOW_WAIT_MS)) < 0)
        return -1;
    return recv(s->fd, buf, n, MSG_DONTWAIT);
}

static inline void slow_talk(struct slow *s)
{
    if (s->talk)
        s->talk(s);
    else if (s->say)
        (void)send(s->fd, s->say, s->say_n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* At most n bytes, or until the stream ends. */
static inline void take_slowly(struct slow *s, size_t n)
{
    char *buf = malloc(s->step);
    int64_t before = s->since;
    ssize_t r = 1;

    assert_non_null(buf);
    s->got = 0;
    s->longest = 0;
    while (s->got < n && (r = slow_take(s, buf, s->step)) > 0) {
        int64_t now = ws_now();

        s->longest = now - before > s->longest ? now - before : s->longest;
        before = now;
        s->got += (size_t)r;
        ws_sleep(s->pause_ms);
        slow_talk(s);
    }
    s->last = ws_now() - before;
    s->reset = r < 0;
    free(buf);
}

#endif
