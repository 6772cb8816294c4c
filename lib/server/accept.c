/* SPDX-License-Identifier: MIT */

#include "server/accept.h"

#include <errno.h>
#include <poll.h>

#include "base/log.h"
#include "fiber/name.h"
#include "fiber/sched.h"
#include "fiber/seldom.h"
#include "io/wait.h"
#include "server/welcome.h"

enum {
    PAUSE_MS = 100,
    LAST_MS = 1000,
    BATCH = 16, /* accepted before it is seen that the listener stops */
};

static void say_starved(const struct ws__endpoint *e, const char *error)
{
    const struct ws__log_field fields[] = { { "listener", e->addr },
                                            { "error", error },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_ERROR,
                                         .event = "accept_failed",
                                         .fields = fields };

    ws__log(&topic, "accept on %s: %s; trying again", e->addr, error);
}

/* The connection stays in the queue, so without a pause this would spin.
 * Returns WS_ERR_CANCELED when the listener is stopped, else 0. */
static int pause_accepting(struct ws__acceptor *a, int error)
{
    ws_listener *l = a->seat->listener;

    if (ws__seldom(&l->starved_said))
        say_starved(a->endpoint, ws_strerror(error));
    ws__turned_away_close(&l->turned_away, INT64_MAX);
    return ws_event_wait(&l->stop, ws_after(PAUSE_MS)) == 0 ? WS_ERR_CANCELED
                                                            : 0;
}

/* At most so many.  Returns -EAGAIN when there are no more, 0 when there may be,
 * or what failed. */
static int accept_ready(struct ws__acceptor *a, int max)
{
    char remote[WS__ADDR_LEN];

    while (max-- > 0) {
        int fd = ws__accept(a->endpoint->fd, remote);

        if (fd < 0)
            return fd;
        ws__welcome(a->seat, fd, remote);
        ws__spend(WS__COST_ACCEPT);
        ws__take_turns();
    }
    return 0;
}

/* Returns as pause_accepting does, or what else ended the wait. */
static int accept_wait(struct ws__acceptor *a)
{
    int r = ws__wait_watched(a->endpoint->fd, a->watch, POLLIN,
                             ws__welcome_look_after(a->seat),
                             &a->seat->listener->stop);

    if (r < 0 && r != WS_ERR_CANCELED && r != WS_ERR_TIMEOUT)
        return pause_accepting(a, r);
    return r;
}

/* As many as wait now; or, where their number is not known, until there are no
 * more, or the time is up. */
static void accept_waiting(struct ws__acceptor *a)
{
    int n = ws__accept_queue(a->endpoint->fd);
    int64_t until = ws_after(LAST_MS);

    if (n >= 0)
        (void)accept_ready(a, n);
    else
        while (accept_ready(a, BATCH) == 0 && ws_now() < until)
            continue;
}

/*
 * Another process may listen on the same socket, and of all who wait for it the
 * kernel wakes one.  If that was this one, on its way out, nobody else hears of
 * the connection: so what came before the watch is gone is accepted here, and
 * what comes afterwards wakes another.  No more than that, for they may come
 * faster than they are accepted.
 */
static void accept_last(struct ws__acceptor *a)
{
    ws__watch_free(a->watch);
    accept_waiting(a);
    ws__turned_away_close(&a->seat->listener->turned_away, INT64_MAX);
}

void ws__accept_all(void *acceptor)
{
    struct ws__acceptor *a = acceptor;
    int r = 0;

    ws_event_wait(&a->seat->listener->open, 0);
    if (ws_event_is_set(&a->seat->listener->stop))
        return;
    ws__fiber_label(WS__WORK "accepting connections");
    (void)ws__watch_new(a->endpoint->fd, true, 0, &a->watch); /* does without */
    while (r != WS_ERR_CANCELED && !ws_event_is_set(&a->seat->listener->stop)) {
        int error = accept_ready(a, BATCH);

        if (error == 0)
            continue;
        r = error == -EAGAIN ? accept_wait(a) : pause_accepting(a, error);
    }
    accept_last(a);
}
