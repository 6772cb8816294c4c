/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WATCH_H
#define WS_FIBER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws__callee;
struct ws__coroutine;
struct ws__worker;

/*
 * A descriptor that a worker has in its epoll set: from its first to its last
 * wait, edge-triggered, so that waiting takes no system call of its own.  Only
 * fibers of that worker wait by it; others do without.
 */
struct ws__watch;

/* Watch fd, in the calling fiber's worker; shared says that other workers watch
 * it too, and that one of them is to be woken.  room: so many bytes more, at most
 * 16 KiB, lie in the same block.  Nothing outside of a fiber.  Returns 0 or a
 * negated errno: -EEXIST if it is watched there already. */
int ws__watch_new(int fd, bool shared, size_t room, struct ws__watch **watch);

/* Those bytes, for whoever owns the watch, which frees them; NULL: there are none.
 * NULL is fine. */
void *ws__watch_room(struct ws__watch *w);

/* Before the descriptor is closed, or when fibers will wait for it no more.
 * From any thread, but nobody may wait by it.  NULL is fine. */
void ws__watch_free(struct ws__watch *w);

/* Call c in the worker's loop, outside of a fiber, for each change that nobody
 * waits for; NULL: nobody. */
void ws__watch_call(struct ws__watch *w, struct ws__callee *c);

/* Does it call somebody? */
bool ws__watch_calls(const struct ws__watch *w);

/* Whoever waits for these events looks, and whoever it calls, as if they had
 * come.  In the worker's loop. */
void ws__watch_stir(struct ws__watch *w, int events);

/* Whose is it?  NULL is fine, and nobody's. */
struct ws__worker *ws__watch_worker(const struct ws__watch *w);

/* Which of these events have come, and nobody waited for them?  They are
 * forgotten. */
int ws__watch_take(struct ws__watch *w, int events);

/* Is it of the worker whose fiber the caller is? */
bool ws__watch_is_here(const struct ws__watch *watch);

/* ---- For fiber/ --------------------------------------------------------- */

/* Watch fd for one wait.  Returns 0 or a negated errno: -EPERM for a file. */
int ws__watch_once(struct ws__worker *w, int fd, int events,
                   struct ws__watch **watch);

bool ws__watch_is_of(const struct ws__watch *watch, const struct ws__worker *w);

/* Have f woken by events.  Returns those that have come already, and then does
 * not. */
int ws__watch_enter(struct ws__watch *watch, struct ws__coroutine *f,
                    int events);

/* No longer.  Returns the events that came. */
int ws__watch_leave(struct ws__watch *watch, struct ws__coroutine *f);

/* epoll_wait(2) has told of events.  Returns the fiber that the caller is to run
 * at once, or NULL; others that waited for them are made ready. */
struct ws__coroutine *ws__watch_happened(struct ws__watch *watch,
                                         uint32_t events);

/* It will happen soon; NULL is fine. */
void ws__watch_fetch(const struct ws__watch *watch);

/* Free those that died while their events were dealt with. */
void ws__watch_bury(struct ws__worker *w);

#endif
