/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_LISTENER_H
#define WS_SERVER_LISTENER_H

#include <pthread.h>
#include <stdatomic.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "fiber/watch.h"
#include "fiber/worker.h"
#include "http/host.h"
#include "server/endpoint.h"
#include "server/turned_away.h"

/* What accepts from one endpoint for one seat: a fiber of its worker. */
struct ws__acceptor {
    struct ws__seat *seat;
    struct ws__endpoint *endpoint;
    struct ws__watch *watch;
    ws_fiber *fiber; /* NULL: the seat's own */
};

/* One of a listener's workers. */
struct ws__seat {
    ws_listener *listener;
    struct ws__worker *worker;
    struct ws__acceptor *acceptors; /* one for each endpoint */
    pthread_t thread;
    bool started;
    bool turns_away;  /* and looks after what was; its worker's */
    bool looks_after; /* and has a fiber of its own for it; its worker's */
    unsigned index;   /* among the seats */

    /* Whether its worker turns: see server/alive. */
    struct ws__post pulse;
    atomic_bool pulse_out; /* pulse is on its way */
    ws_event turned;
};

/*
 * Who ends what: the seat whose acceptors end last closes the endpoints and sets
 * `deaf`; the seat that ends last sets `ended`; ws_listener_shutdown frees the
 * listener, once that is set and the registry is quiet.
 */
struct ws_listener {
    struct ws__host host;
    size_t
        descriptors; /* that max_connections was made from; 0: it was given */
    struct ws__endpoint *endpoints;
    size_t nendpoints;
    const char *addr;               /* of the first, for reports; "none" */
    struct ws__acceptor *acceptors; /* of all seats */
    atomic_int absent;    /* seats that neither run nor have failed to */
    ws_event present;     /* there are none */
    atomic_bool crippled; /* one has failed to */
    ws_event open;        /* they may accept, unless they are to stop */
    ws_event stop;
    atomic_int accepting; /* seats that do, or may yet; what is handed in */
    ws_event deaf;        /* none does */
    atomic_int running;   /* seats, and what was started there */
    ws_event ended;       /* none is */
    _Atomic int64_t starved_said; /* when that was logged; 0: never */
    _Atomic int64_t full_said;    /* the same, of those turned away */
    struct ws__turned_away turned_away;
    atomic_int spread_ms; /* over which goodbyes are said */
    ws_error error;       /* of the last shutdown */
    ws_mutex pulse_lock;  /* one asks whether workers turn */
    int nseats;
    struct ws__seat seats[];
};

/* When nothing of it runs any more. */
void ws__listener_free(ws_listener *l);

#endif
