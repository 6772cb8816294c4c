/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_LISTENER_H
#define WS_SERVER_LISTENER_H

#include <pthread.h>
#include <stdatomic.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "fiber/watch.h"
#include "http/host.h"
#include "io/sock.h"
#include "server/turned_away.h"

/* One of a listener's workers. */
struct ws__seat {
    ws_listener *listener;
    struct ws__worker *worker;
    pthread_t thread;
    bool started;
    unsigned index; /* among the seats */
    struct ws__watch *watch;
    bool turns_away; /* and looks after what was */
};

/*
 * Who ends what: the seat whose acceptor ends last closes the listening socket;
 * the seat that ends last sets `ended`; ws_listener_shutdown frees the listener,
 * once that is set and the registry is quiet.
 */
struct ws_listener {
    struct ws__host host;
    size_t
        descriptors; /* that max_connections was made from; 0: it was given */
    int fd;
    char addr[WS__ADDR_LEN];
    atomic_int absent;    /* seats that neither run nor have failed to */
    ws_event present;     /* there are none */
    atomic_bool crippled; /* one has failed to */
    ws_event open;        /* they may accept, unless they are to stop */
    ws_event stop;
    atomic_int accepting; /* seats that do, or may yet */
    atomic_int running;   /* seats, and what was started there */
    ws_event ended;       /* none is */
    atomic_bool starved;  /* and that was logged */
    struct ws__turned_away turned_away;
    int nseats;
    struct ws__seat seats[];
};

#endif
