/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_REGISTRY_H
#define WS_HTTP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/http.h>

#include "conn/entry.h"

/*
 * A listener's connections.  The registry is held by the listener, by every
 * session and by every upgraded connection, which may outlive both.
 */
struct ws__registry;
struct ws__stats_group;

/* For connections of so many workers. */
struct ws__registry *ws__registry_new(unsigned seats);

/* Whom its connections' ends are told; fn NULL: nobody. */
void ws__registry_set_access(struct ws__registry *g, ws_access_fn fn,
                             void *arg);
bool ws__registry_has_access(const struct ws__registry *g);
void ws__registry_tell(const struct ws__registry *g, const ws_access *a);
void ws__registry_unref(struct ws__registry *g);

/* How many connections there are, and how many one worker has. */
size_t ws__registry_count(struct ws__registry *g);
size_t ws__registry_load(struct ws__registry *g, unsigned seat);
bool ws__registry_closing(struct ws__registry *g);

/* Where they count; it lives as long as the registry. */
struct ws__stats_group *ws__registry_stats(struct ws__registry *g);

/* The registry whose they are. */
struct ws__registry *ws__registry_of(const struct ws__stats_group *stats);

/* A session's beginning and end.  It counts as a connection of the seat from
 * the beginning on, and has to add its entry.  The end takes the session's
 * reference, and is the last thing that it does.  begin returns false once the
 * shutdown has begun; the session must not start then. */
bool ws__session_begin(struct ws__registry *g, unsigned seat);
void ws__session_end(struct ws__registry *g);

/* Plain connections.  idle returns false once the shutdown has begun. */
void ws__entry_add(struct ws__entry *e, const struct ws__entry_ops *ops,
                   struct ws__registry *g, unsigned seat);
void ws__entry_remove(struct ws__entry *e);
bool ws__entry_idle(struct ws__entry *e, bool idle);

/* An upgrade.  The plain connection's entry withdraws before its stream is
 * handed over, and counts on: for the upgraded one, which comes in its place, or
 * until none does. */
void ws__entry_withdraw(struct ws__entry *e);
void ws__entry_upgraded(struct ws__entry *e, const struct ws__entry_ops *ops,
                        const struct ws__entry *plain);
void ws__entry_lost(struct ws__entry *plain);

/* An upgraded connection's end. */
void ws__entry_closed(struct ws__entry *e);

/* The shutdown begins: no session does any more, and answers say that their
 * connection closes. */
void ws__registry_refuse(struct ws__registry *g);

/* That, and: end idle connections, say 1001 to upgraded ones. */
void ws__registry_close(struct ws__registry *g);

/* Break every connection, those to come among them. */
void ws__registry_break(struct ws__registry *g);

/* Wait until every session has ended.  Returns 0 or WS_ERR_TIMEOUT. */
int ws__registry_wait(struct ws__registry *g, int64_t deadline);

#endif
