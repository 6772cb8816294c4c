/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_ON_MESSAGE_H
#define WS_HTTP_ON_MESSAGE_H

#include <silverback/conn.h>

#include "fiber/watch.h"
#include "fiber/wheel.h"
#include "http/session.h"

/*
 * A connection whose messages a function is called for (ws_on_message).  While
 * nothing comes it has no fiber: the worker's loop starts one for what does.
 */
struct ws__on_message {
    ws_conn *conn;
    ws_message_fn fn;
    void *arg;
    const char *label; /* the route's, for reports */
    struct ws__registry *registry;
    struct ws__stay stay;      /* in there, in the place of the session's */
    struct ws__worker *worker; /* held; NULL: in a thread */
    struct ws__timer timer;    /* a deadline, or a ping */
    bool running;
    bool missed;  /* something happened since it last looked */
    bool starved; /* of memory for a fiber: the timer is to try again */
};

/* The session's handler has returned and left its connection to a function: go
 * on with that, in this fiber or thread.  Takes over the session's reference in
 * the registry. */
void ws__on_message_go_on(struct ws__session *s);

#endif
