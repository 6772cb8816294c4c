/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_SUBSCRIBER_H
#define WS_HUB_SUBSCRIBER_H

#include <pthread.h>
#include <stdatomic.h>

#include <silverback/hub.h>

#include "conn/outqueue.h"
#include "hub/desk.h"
#include "hub/table.h"

/*
 * A connection that has joined something of a hub.  It is found by the connection
 * until that ends, or the hub does: then its desk takes it out, and all its
 * subscriptions.
 *
 * Holders: the hub's table, until then, and calls under way.  It holds the
 * connection, its desk and the hub.
 */
struct ws__subscriber {
    struct ws__link link; /* under the lock of the table */
    struct ws__end_hook hook;
    struct ws__desk_job over; /* what the desk does at the end */
    ws_hub *hub;
    ws_conn *c;
    struct ws__desk *desk;
    atomic_uint holders;

    /* The desk's. */
    struct ws__table subscriptions; /* by what has been joined */
    bool ended;                     /* nothing more is joined */
};

struct ws__subscribers {
    pthread_mutex_t lock;
    struct ws__table table;
};

/* The connection's, held; a new one if there is none.  Returns 0, WS_ERR_CANCELED
 * when c has ended, or -ENOMEM. */
int ws__subscriber_get(ws_hub *h, ws_conn *c, struct ws__subscriber **s);

/* The same, but NULL if there is none. */
struct ws__subscriber *ws__subscriber_find(ws_hub *h, ws_conn *c);
void ws__subscriber_let_go(struct ws__subscriber *s);

/* Have all of the hub's leave. */
void ws__subscribers_end(ws_hub *h);

#endif
