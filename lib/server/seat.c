/* SPDX-License-Identifier: MIT */

#include "server/seat.h"

#include <errno.h>
#include <string.h>

#include "conn/pools.h"
#include "fiber/loop.h"
#include "fiber/sched.h"
#include "fiber/thread.h"
#include "fiber/worker.h"
#include "server/accept.h"
#include "server/running.h"

void ws__seat_accepts_no_more(ws_listener *l)
{
    if (atomic_fetch_sub(&l->accepting, 1) != 1)
        return;
    for (size_t i = 0; i < l->nendpoints; i++)
        ws__endpoint_close(&l->endpoints[i]);
    ws_event_set(&l->deaf);
}

/* One more runs, or has failed to. */
static void seat_is_present(ws_listener *l, bool runs)
{
    if (!runs)
        atomic_store(&l->crippled, true);
    if (atomic_fetch_sub(&l->absent, 1) == 1)
        ws_event_set(&l->present);
}

/* All but the first.  Returns false when there was no memory for one. */
static bool seat_start_acceptors(struct ws__seat *seat)
{
    for (size_t i = 1; i < seat->listener->nendpoints; i++) {
        struct ws__acceptor *a = &seat->acceptors[i];

        a->fiber = ws_go(ws__accept_all, a);
        if (!a->fiber)
            return false;
    }
    return true;
}

static void seat_accept_all(struct ws__seat *seat)
{
    ws_listener *l = seat->listener;

    if (l->nendpoints > 0)
        ws__accept_all(&seat->acceptors[0]);
    else
        ws_event_wait(&l->stop, 0);
    for (size_t i = 1; i < l->nendpoints; i++)
        ws_join(seat->acceptors[i].fiber);
    ws__seat_accepts_no_more(l);
}

static void seat_accept(void *arg)
{
    struct ws__seat *seat = arg;
    ws_listener *l = seat->listener;

    ws__stats_join(&ws__pools_here()->stats,
                   ws__registry_stats(l->host.registry));
    seat_is_present(l, seat_start_acceptors(seat));
    seat_accept_all(seat);
}

static void *seat_run(void *arg)
{
    struct ws__seat *seat = arg;
    ws_listener *l = seat->listener;

    ws__thread_runs_handlers();
    if (ws__run_worker(seat->worker, seat_accept, seat) != 0) {
        ws__seat_accepts_no_more(l);
        seat_is_present(l, false);
    }
    ws__running_ends(l);
    return NULL;
}

static void seat_accept_in_loop(void *arg)
{
    struct ws__seat *seat = arg;

    seat_accept_all(seat);
    ws__running_ends(seat->listener);
}

static int seat_start_in_loop(struct ws__seat *seat, struct ws__worker *w)
{
    ws_fiber *f = ws_go(seat_accept_in_loop, seat);

    if (!f)
        return -ENOMEM;
    ws_detach(f);
    ws__worker_ref(w);
    seat->worker = w;
    seat_is_present(seat->listener, seat_start_acceptors(seat));
    return 0;
}

static int seat_start(struct ws__seat *seat)
{
    const ws_server *s = &seat->listener->host.server;

    if (s->loop)
        return seat_start_in_loop(seat, ws__loop_worker(s->loop));
    seat->worker = ws__worker_new(s->stack_size);
    if (!seat->worker)
        return -ENOMEM;
    seat->worker->spin_us = s->spin_us;
    if (ws__thread_start(&seat->thread, seat_run, seat) != 0)
        return -ENOMEM;
    seat->started = true;
    return 0;
}

int ws__seats_start(ws_listener *l)
{
    int n = 0;

    atomic_init(&l->accepting, l->nseats);
    atomic_init(&l->running, l->nseats);
    atomic_init(&l->absent, l->nseats);
    while (n < l->nseats && seat_start(&l->seats[n]) == 0)
        n++;
    for (; n < l->nseats; n++) {
        ws__seat_accepts_no_more(l);
        seat_is_present(l, false);
        ws__running_ends(l);
    }
    ws_event_wait(&l->present, 0);
    bool crippled = atomic_load(&l->crippled);
    if (crippled)
        ws_event_set(&l->stop);
    ws_event_set(&l->open);
    if (!crippled)
        return 0;
    ws_event_wait(&l->ended, 0); /* no join waits for those in a loop */
    return -ENOMEM;
}

void ws__seats_join(ws_listener *l)
{
    for (int i = 0; i < l->nseats; i++) {
        struct ws__seat *seat = &l->seats[i];

        if (seat->started)
            pthread_join(seat->thread, NULL);
        if (seat->worker)
            ws__worker_unref(seat->worker);
    }
}
