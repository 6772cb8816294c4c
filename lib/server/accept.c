/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "fiber/limit.h"
#include "fiber/name.h"
#include "fiber/sched.h"
#include "fiber/sync.h"
#include "http/session.h"
#include "io/wait.h"
#include "server/listener.h"

enum {
    PAUSE_MS = 100,
    SLACK = 8, /* connections that a worker may have above its share */
};

/* ---- Too many ----------------------------------------------------------- */

static void say_full(const ws_listener *l)
{
    char why[64] = "max_connections", max[24];

    if (l->descriptors > 0)
        snprintf(why, sizeof(why), "a limit of %zu descriptors (ulimit -n)",
                 l->descriptors);
    snprintf(max, sizeof(max), "%zu", l->host.server.max_connections);
    const struct ws__log_field fields[] = { { "listener", l->addr },
                                            { "max_connections", max },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "turned_away",
                                         .fields = fields };
    ws__log(&topic,
            "accept on %s: %zu connections are all that %s allows; those "
            "above get 503",
            l->addr, l->host.server.max_connections, why);
}

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

/* Said again when there was nobody to be turned away for a while. */
static void turn_away(struct ws__seat *seat, int fd)
{
    ws_listener *l = seat->listener;

    seat->turns_away = true;
    if (ws__turn_away(&l->turned_away, fd, l->host.tls != NULL))
        say_full(l);
}

/* Returns when to come back; 0: there is no need. */
static int64_t look_after_turned_away(struct ws__seat *seat)
{
    struct ws__turned_away *t = &seat->listener->turned_away;

    if (!seat->turns_away)
        return 0;
    ws__turned_away_close(t, ws_now());
    int64_t due = ws__turned_away_due(t);
    seat->turns_away = due != 0;
    return due;
}

/* ---- One connection ----------------------------------------------------- */

static size_t load(const struct ws__seat *seat)
{
    return ws__registry_load(seat->listener->host.registry, seat->index);
}

static struct ws__seat *least_loaded(ws_listener *l)
{
    struct ws__seat *best = &l->seats[0];

    for (int i = 1; i < l->nseats; i++)
        if (load(&l->seats[i]) < load(best))
            best = &l->seats[i];
    return best;
}

/* WebSockets live long, so they are balanced when they are born: a worker with
 * clearly more than its share hands on what it accepts. */
static struct ws__seat *seat_for_one(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;
    size_t mean = ws__registry_count(l->host.registry) / (size_t)l->nseats;

    if (l->nseats == 1 || load(seat) < mean + mean / 4 + SLACK)
        return seat;
    return least_loaded(l);
}

static struct ws__newcomer *newcomer_new(struct ws__seat *seat, int fd,
                                         const char *remote)
{
    struct ws__newcomer *n = ws__alloc(sizeof(*n));

    if (!n || !ws__session_begin(seat->listener->host.registry, seat->index)) {
        close(fd);
        ws_free(n);
        return NULL;
    }
    n->host = &seat->listener->host;
    n->seat = seat->index;
    n->fd = fd;
    n->first_by =
        ws__limit_deadline(seat->listener->host.server.request_timeout_ms);
    strcpy(n->remote, remote);
    return n;
}

static int start(struct ws__seat *seat, struct ws__seat *chosen,
                 struct ws__newcomer *n)
{
    ws_fiber *f;

    if (chosen != seat)
        return ws__go_in(chosen->worker, ws__session_run, ws__session_abandon,
                         n);
    f = seat->listener->host.server.threads ? ws__go_thread(ws__session_run, n)
                                            : ws_go(ws__session_run, n);
    ws_detach(f);
    return f ? 0 : -ENOMEM;
}

static void welcome(struct ws__seat *seat, int fd, const char *remote)
{
    ws_listener *l = seat->listener;

    if (ws__registry_count(l->host.registry) >=
        l->host.server.max_connections) {
        turn_away(seat, fd);
        return;
    }
    struct ws__seat *chosen = seat_for_one(seat);
    struct ws__newcomer *n = newcomer_new(chosen, fd, remote);
    if (n && start(seat, chosen, n) != 0)
        ws__session_abandon(n);
}

/* ---- All of them -------------------------------------------------------- */

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
        welcome(seat, fd, remote);
        ws__spend(WS__COST_ACCEPT);
        ws__take_turns();
        fd = ws__accept(l->fd, remote);
    }
    return fd;
}

/* The same. */
static int wait_for_more(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;
    int r = ws__wait_watched(l->fd, seat->watch, POLLIN,
                             look_after_turned_away(seat), &l->stop);

    if (r < 0 && r != WS_ERR_CANCELED && r != WS_ERR_TIMEOUT)
        return pause_accepting(seat, r);
    return r;
}

void ws__accept_all(void *arg)
{
    struct ws__seat *seat = arg;
    ws_listener *l = seat->listener;

    ws__seat_present(l, true);
    ws_event_wait(&l->open, 0);
    int r = ws__event_is_set(&l->stop) ? WS_ERR_CANCELED : 0;

    ws__fiber_label(WS__WORK "accepting connections");
    (void)ws__watch_new(l->fd, true, &seat->watch); /* it does without */
    while (r != WS_ERR_CANCELED) {
        int error = accept_ready(seat);

        if (error != -EAGAIN)
            r = pause_accepting(seat, error);
        else
            r = wait_for_more(seat);
    }
    ws__watch_free(seat->watch);
    ws__turned_away_close(&l->turned_away, INT64_MAX);
    ws__accept_ends(l);
}
