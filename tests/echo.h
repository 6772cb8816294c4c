/* SPDX-License-Identifier: MIT */

#ifndef TESTS_ECHO_H
#define TESTS_ECHO_H

/* What sends back what comes. */

#include <silverback.h>

/* As a route's socket: until the end. */
static inline void echo(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        continue;
}

/* As a handler, whose arg is an upgrader or NULL: so, */
static inline void echo_in_loop(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);

    echo(c, NULL);
    ws_close(c);
}

static inline void echo_one(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    if (m && ws_write_message(c, m->type, m->data, m->len) != 0)
        ws_shutdown(c);
}

/* or by a function that is called for each message. */
static inline void echo_when_called(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);

    if (ws_on_message(c, echo_one, NULL) != 0)
        ws_close(c);
}

#endif
