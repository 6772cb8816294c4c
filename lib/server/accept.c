/* SPDX-License-Identifier: MIT */

#include "server/accept.h"

#include <errno.h>
#include <poll.h>

#include "base/log.h"
#include "fiber/name.h"
#include "fiber/sched.h"
#include "fiber/sync.h"
#include "io/wait.h"
#include "server/welcome.h"

enum { PAUSE_MS = 100 };

static void say_starved(const ws_listener *l, const char *error)
{
    const struct ws__log_field fields[] = { { "listener", l->addr },
                                            { "error", error },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_ERROR,
                                         .event = "accept_failed",
                                         .fields = fields };

    ws__log(&topic, "accept on %s: %s; trying again", l->addr, error);
}

/* The connection stays in the queue, so without a pause this would spin.
 * Returns WS_ERR_CANCELED when the listener is stopped, else 0. */
static int pause_accepting(struct ws__seat *seat, int error)
{
    ws_listener *l = seat->listener;

    if (!atomic_exchange(&l->starved, true))
        say_starved(l, ws_strerror(error));
    ws__turned_away_close(&l->turned_away, INT64_MAX);
    return ws_event_wait(&l->stop, ws_after(PAUSE_MS)) == 0 ? WS_ERR_CANCELED
                                                            : 0;
}

/* Returns -EAGAIN when there are no more, or what failed. */
static int accept_ready(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;
    char remote[WS__ADDR_LEN];
    int fd = ws__accept(l->fd, remote);

    while (fd >= 0) {
        atomic_store_explicit(&l->starved, false, memory_order_relaxed);
        ws__welcome(seat, fd, remote);
        ws__spend(WS__COST_ACCEPT);
        ws__take_turns();
        fd = ws__accept(l->fd, remote);
    }
    return fd;
}

/* Returns as pause_accepting does, or what else ended the wait. */
static int accept_wait(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;
    int r = ws__wait_watched(l->fd, seat->watch, POLLIN,
                             ws__welcome_look_after(seat), &l->stop);

    if (r < 0 && r != WS_ERR_CANCELED && r != WS_ERR_TIMEOUT)
        return pause_accepting(seat, r);
    return r;
}

void ws__accept_all(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;
    int r = ws_event_is_set(&l->stop) ? WS_ERR_CANCELED : 0;

    ws__fiber_label(WS__WORK "accepting connections");
    (void)ws__watch_new(l->fd, true, &seat->watch); /* it does without */
    while (r != WS_ERR_CANCELED) {
        int error = accept_ready(seat);

        if (error != -EAGAIN)
            r = pause_accepting(seat, error);
        else
            r = accept_wait(seat);
    }
    ws__watch_free(seat->watch);
    ws__turned_away_close(&l->turned_away, INT64_MAX);
}
