/* SPDX-License-Identifier: MIT */

#ifndef WS_WS_REGISTRY_H
#define WS_WS_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/conn.h>

#include "io/stream.h"

/*
 * A listener's connections.  The registry is held by the listener, by every
 * session and by every upgraded connection, which may outlive both.
 */
struct ws__registry;

/* One connection: plain, on its session's stream, or upgraded. */
struct ws__entry {
    struct ws__entry *next;
    struct ws__entry *prev;
    struct ws__registry *registry;
    struct ws__stream *stream; /* NULL: upgraded */
    ws_conn *conn;
    unsigned seat; /* the worker that serves it */
    bool idle;     /* between requests: a shutdown cuts it at once */
};

/* For connections of so many workers. */
struct ws__registry *ws__registry_new(unsigned seats);
void ws__registry_unref(struct ws__registry *g);

/* How many connections there are, and how many one worker has. */
size_t ws__registry_count(struct ws__registry *g);
size_t ws__registry_load(struct ws__registry *g, unsigned seat);
bool ws__registry_closing(struct ws__registry *g);

/* A session's beginning and end.  The end takes the session's reference, and is
 * the last thing that it does.  begin returns false once the shutdown has
 * begun; the session must not start then. */
bool ws__session_begin(struct ws__registry *g);
void ws__session_end(struct ws__registry *g);

/* Plain connections.  idle returns false once the shutdown has begun. */
void ws__entry_add(struct ws__entry *e, struct ws__registry *g,
                   struct ws__stream *stream, unsigned seat);
void ws__entry_remove(struct ws__entry *e);
bool ws__entry_idle(struct ws__entry *e, bool idle);

/* An upgraded connection: reserved before it is made, then added, or dropped if
 * that failed.  ws__entry_closed, which is for ws__setup.closed, removes it. */
struct ws__entry *ws__entry_reserve(struct ws__registry *g, unsigned seat);
void ws__entry_drop(struct ws__entry *e);
void ws__entry_upgraded(struct ws__entry *e, ws_conn *c);
void ws__entry_closed(ws_conn *c, void *entry);

/* Begin the shutdown: cut idle connections, say 1001 to upgraded ones. */
void ws__registry_close(struct ws__registry *g);

/* Break every connection, those to come among them. */
void ws__registry_break(struct ws__registry *g);

/* Wait until every session has ended.  Returns 0 or WS_ERR_TIMEOUT. */
int ws__registry_wait(struct ws__registry *g, int64_t deadline);

#endif
