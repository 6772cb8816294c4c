/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_REGISTRY_H
#define WS_HTTP_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "conn/entry.h"

/*
 * A listener's connections.  The registry is held by the listener, by every
 * session and by every upgraded connection, which may outlive both.
 */
struct ws__registry;
struct ws__stats_group;

/* The beginning of a connection is never lost: what was accepted before a
 * shutdown began has so long to send its first request. */
extern int ws__registry_fresh_ms; /* tests change it */

/*
 * One that runs handlers, from ws__entry_add to ws__session_end, or until it hands
 * on to ws_on_message, which has a mark in the entry instead.  Written under
 * the registry's lock, but for route, which its owner sets: the path of the
 * handler that runs, NULL: none does.
 */
struct ws__stay {
    struct ws__stay *next;
    struct ws__stay *prev;
    _Atomic(const char *) route;
};

/* For connections of so many workers, and of these routes; what it does with plain
 * ones, and with upgraded ones. */
struct ws__registry *ws__registry_new(unsigned seats, const ws_route *routes,
                                      const struct ws__entry_ops *plain,
                                      const struct ws__entry_ops *upgraded);

/* Whom its connections' ends are told; fn NULL: nobody. */
void ws__registry_set_access(struct ws__registry *g, ws_access_fn fn,
                             void *arg);
bool ws__registry_has_access(const struct ws__registry *g);
void ws__registry_tell(const struct ws__registry *g, const ws_access *a);
void ws__registry_unref(struct ws__registry *g);

/* How many connections there are, and how many one worker has. */
size_t ws__registry_count(struct ws__registry *g);
size_t ws__registry_load(struct ws__registry *g, unsigned seat);

/* Sessions whose handlers have a thread of their own, which takes a descriptor
 * more: one more of them, or one less. */
size_t ws__registry_threads(struct ws__registry *g);
void ws__registry_thread(struct ws__registry *g, bool more);

/* Does it stop?  Then answers say that their connection closes. */
bool ws__registry_closing(const struct ws__registry *g);

/* Set once the listener is to stop, as long as the registry is. */
ws_event *ws__registry_stopping(struct ws__registry *g);

/* What is said to upgraded connections at the end: reason may be NULL, and is
 * copied. */
void ws__registry_set_goodbye(struct ws__registry *g, int code,
                              const char *reason);
int ws__registry_goodbye(const struct ws__registry *g, const char **reason);

/* Where they count; it lives as long as the registry. */
struct ws__stats_group *ws__registry_stats(struct ws__registry *g);

/* The registry whose they are. */
struct ws__registry *ws__registry_of(const struct ws__stats_group *stats);

/* A session's beginning and end.  It counts as a connection of the seat from
 * the beginning on, and has to add its entry.  The end takes the session's
 * reference, and is the last thing that it does; stay is NULL once it was handed
 * on.  begin returns false once connections are closed; the session must not
 * start then. */
bool ws__session_begin(struct ws__registry *g, unsigned seat);
void ws__session_end(struct ws__registry *g, struct ws__stay *stay);

/* The session goes on without a handler, named by the route of the one that it
 * had; and it no longer does, before the connection is closed. */
void ws__entry_stays(struct ws__entry *e, const struct ws__stay *of,
                     const ws_route *route);
const char *ws__entry_route(const struct ws__entry *e);
void ws__entry_leaves(struct ws__entry *e);

/* Plain connections; remove is for upgraded ones, too.  idle returns false once
 * connections are closed: who is idle then is to end by itself. */
void ws__entry_add(struct ws__entry *e, struct ws__registry *g, unsigned seat,
                   struct ws__stay *stay);
void ws__entry_remove(struct ws__entry *e);
bool ws__entry_idle(struct ws__entry *e, bool idle);

/* An upgrade.  The plain connection's entry withdraws before its stream is
 * handed over, and counts on: for the upgraded one, which comes in its place, or
 * until none does. */
void ws__entry_withdraw(struct ws__entry *e);
void ws__entry_upgraded(struct ws__entry *e, const struct ws__entry *plain);
void ws__entry_lost(struct ws__entry *plain);

/* An upgraded connection's memory goes, and its reference with that. */
void ws__entry_freed(struct ws__entry *e);

/* ---- Shutdown, in its steps --------------------------------------------- */

/* Answers say that their connection closes, and set the event. */
void ws__registry_stop(struct ws__registry *g);

/* That; no session begins any more; and close is called for each entry but those
 * that are to be spread, also when it was before.  Returns how many those are,
 * whose turn begins. */
size_t ws__registry_close(struct ws__registry *g);

/* Call close for the next n of them.  Returns false when there are no more. */
bool ws__registry_close_next(struct ws__registry *g, size_t n);

/* Break every connection, those to come among them. */
void ws__registry_break(struct ws__registry *g);

/* Wait until every session has ended.  Returns 0 or WS_ERR_TIMEOUT. */
int ws__registry_wait(struct ws__registry *g, int64_t deadline);

/* Which handlers still run, and how many of each: "/chat 3, /wait 1".  Returns
 * how many sessions have not ended. */
size_t ws__registry_report(struct ws__registry *g, char *text, size_t size);

#endif
