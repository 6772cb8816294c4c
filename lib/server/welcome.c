/* SPDX-License-Identifier: MIT */

#include "server/welcome.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conn/count.h"
#include "fiber/limit.h"
#include "fiber/sched.h"
#include "fiber/seldom.h"
#include "http/deny_unread.h"
#include "http/peer.h"
#include "http/session.h"
#include "server/running.h"

enum { SLACK = 8 }; /* connections that a worker may have above its share */

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

static void count_seat(const struct ws__seat *seat, enum ws_counter what)
{
    ws__count_in(ws__registry_stats(seat->listener->host.registry), false, what,
                 1);
}

/* Because of its address, or, without a reason, since there are too many. */
static void turn_away(struct ws__seat *seat, int fd, const char *remote,
                      const struct ws__limits_refusal *why)
{
    ws_listener *l = seat->listener;

    seat->turns_away = true;
    count_seat(seat, WS_COUNT_TURNED_AWAY);
    if (!l->host.tls) /* for which there is no time */
        ws__deny_unread(&l->host, fd, remote, why);
    ws__turn_away(&l->turned_away, fd);
}

int64_t ws__welcome_look_after(struct ws__seat *seat)
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

static size_t seat_load(const struct ws__seat *seat)
{
    return ws__registry_load(seat->listener->host.registry, seat->index);
}

struct ws__seat *ws__welcome_seat(ws_listener *l)
{
    struct ws__seat *best = &l->seats[0];

    for (int i = 1; i < l->nseats; i++)
        if (seat_load(&l->seats[i]) < seat_load(best))
            best = &l->seats[i];
    return best;
}

/* WebSockets live long, so they are balanced when they are born: a worker with
 * clearly more than its share hands on what it accepts. */
static struct ws__seat *seat_for_one(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;
    size_t mean = ws__registry_count(l->host.registry) / (size_t)l->nseats;

    if (l->nseats == 1 || seat_load(seat) < mean + mean / 4 + SLACK)
        return seat;
    return ws__welcome_seat(l);
}

static struct ws__newcomer *newcomer_new(struct ws__seat *seat, int fd,
                                         const char *remote,
                                         struct ws__share *share)
{
    struct ws__newcomer *n = ws__alloc(sizeof(*n));

    if (!n || !ws__session_begin(seat->listener->host.registry, seat->index)) {
        close(fd);
        ws__share_leave(share);
        ws_free(n);
        return NULL;
    }
    n->share = share;
    n->host = &seat->listener->host;
    n->seat = seat->index;
    n->fd = fd;
    n->first_by =
        ws__limit_deadline(seat->listener->host.server.request_timeout_ms);
    n->fresh_until = ws_after(ws__registry_fresh_ms);
    snprintf(n->remote, sizeof(n->remote), "%s", remote);
    return n;
}

static ws_listener *listener_of(const struct ws__newcomer *n)
{
    return (ws_listener *)((char *)n->host - offsetof(ws_listener, host));
}

static void newcomer_run(void *newcomer)
{
    ws_listener *l = listener_of(newcomer);

    ws__session_run(newcomer);
    ws__running_release(l);
}

static void newcomer_abandon(void *newcomer)
{
    ws_listener *l = listener_of(newcomer);

    ws__session_abandon(newcomer);
    ws__running_release(l);
}

static int newcomer_start(struct ws__seat *seat, struct ws__seat *chosen,
                          struct ws__newcomer *n)
{
    ws_fiber *f;

    ws__running_hold(seat->listener);
    if (chosen != seat)
        return ws__go_in(chosen->worker, newcomer_run, newcomer_abandon, n);
    f = seat->listener->host.server.threads ? ws__go_thread(newcomer_run, n)
                                            : ws_go(newcomer_run, n);
    ws_detach(f);
    return f ? 0 : -ENOMEM;
}

/* One whose handler has a thread takes two descriptors: where a server has only
 * threads, max_connections knows that. */
static bool is_full(const ws_listener *l)
{
    size_t n = ws__registry_count(l->host.registry);

    if (l->descriptors > 0 && !l->host.server.threads)
        n += ws__registry_threads(l->host.registry);
    return n >= l->host.server.max_connections;
}

void ws__welcome(struct ws__seat *seat, int fd, const char *remote)
{
    ws_listener *l = seat->listener;

    count_seat(seat, WS_COUNT_ACCEPTED);
    if (is_full(l)) {
        turn_away(seat, fd, remote, NULL);
        if (ws__seldom(&l->full_said))
            say_full(l);
        return;
    }
    struct ws__limits_refusal refusal;
    struct ws__share *share = ws__peer_admit(&l->host, remote, &refusal);
    if (refusal.why) { /* which the log has already */
        turn_away(seat, fd, remote, &refusal);
        return;
    }
    struct ws__seat *chosen = seat_for_one(seat);
    struct ws__newcomer *n = newcomer_new(chosen, fd, remote, share);
    if (n && newcomer_start(seat, chosen, n) != 0)
        newcomer_abandon(n);
}
