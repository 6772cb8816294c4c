/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_OUTQUEUE_H
#define WS_CONN_OUTQUEUE_H

#include <pthread.h>

#include <silverback/queue.h>

#include "conn/conn.h"
#include "conn/prepared.h"
#include "fiber/callee.h"
#include "fiber/worker.h"

/*
 * Messages that wait for room, by reference; made when a connection first needs
 * it, and kept as long as that.
 *
 *   lock        Protects the ring and what is counted.  Nothing is waited for
 *               under it, and it may be taken under any lock of a connection, and
 *               those of pthreads: no fiber is parked for it.
 *   sending     So many of the first are the business of the outbox's holder,
 *               who is sending them: nobody else touches those.
 *
 * WS__DUE_MESSAGES in the connection's due is set as a message comes, or when those
 * that there are can go on, and cleared when none is left, or when only somebody
 * else can go on (held in conn/extras): all under the lock, so that it is never
 * set without a message.
 */
struct ws__outqueue_entry {
    ws_prepared *message;
    const struct ws__form *form; /* NULL: the connection makes its own */
    char *key;                   /* NULL: none */
    uint32_t hash;               /* of the key */
    size_t bytes;
};

struct ws__end_hook;

struct ws__outqueue {
    struct ws__post post; /* conn/enqueue's; first */
    ws_conn *conn;
    pthread_mutex_t lock;
    struct ws__outqueue_entry *ring; /* NULL: none was needed yet */
    size_t size;                     /* of it: a power of two */
    size_t first;
    size_t count;
    size_t sending;
    size_t bytes;
    uint64_t gone;            /* from its front, since it was made */
    ws_queue_options options; /* none of them 0 */
    uint64_t dropped;
    uint64_t conflated;
    bool cut;
    bool ended; /* the hooks were called */
    struct ws__end_hook *hooks;

    /* conn/enqueue's. */
    struct ws__callee room;
    atomic_bool posted;   /* post is on its way, with a reference */
    atomic_bool called;   /* the watch calls for room */
    atomic_bool flushing; /* somebody waits for room in its place */
};

/* The most bytes that may wait, unless set. */
enum { WS__QUEUE_BYTES = 1024 * 1024 };

/* Is it a policy that there is, and a code that may be sent? */
bool ws__queue_options_are_right(const ws_queue_options *o);

/* Its own; NULL when there is no memory. */
struct ws__outqueue *ws__outqueue_own(ws_conn *c);

void ws__outqueue_lock(struct ws__outqueue *q);
void ws__outqueue_unlock(struct ws__outqueue *q);

/* For the last reference. */
void ws__outqueue_free(ws_conn *c);

/* What came of it, for who counts. */
struct ws__outqueue_counts {
    uint64_t sent; /* handed to the kernel, or waiting for it */
    uint64_t dropped;
    uint64_t conflated;
    uint64_t cut;
};

static inline void ws__outqueue_counts_add(struct ws__outqueue_counts *to,
                                           const struct ws__outqueue_counts *n)
{
    to->sent += n->sent;
    to->dropped += n->dropped;
    to->conflated += n->conflated;
    to->cut += n->cut;
}

/* Append a message, beyond all bounds; n counts what it replaces.  Returns 0,
 * WS_ERR_SLOW if c was cut, or -ENOMEM. */
int ws__outqueue_put(ws_conn *c, ws_prepared *p, const char *key,
                     struct ws__outqueue_counts *n);

/* Is there more than may be? */
bool ws__outqueue_is_over(struct ws__outqueue *q);

/* Have no more than may be.  Returns false if the connection is to be cut
 * instead. */
bool ws__outqueue_bound(ws_conn *c, struct ws__outqueue_counts *n);

/* It was cut, and its close frame lies in its slot, ahead of whatever comes here
 * from now on: drop all, so that nothing goes behind a gap. */
void ws__outqueue_cut(ws_conn *c, struct ws__outqueue_counts *n);

/* The i-th, and no longer that: with the lock held. */
static inline struct ws__outqueue_entry *ws__outqueue_at(
    const struct ws__outqueue *q, size_t i)
{
    return &q->ring[(q->first + i) & (q->size - 1)];
}
void ws__outqueue_remove(ws_conn *c, size_t i);

/* Those that somebody had to let go first may go on, if there are any. */
void ws__outqueue_resume(ws_conn *c);

/* Drop all: nothing more can be sent.  With the outbox's lock held. */
void ws__outqueue_forget(ws_conn *c);

/* Bytes that wait. */
size_t ws__outqueue_bytes(const ws_conn *c);

/* What gone will be when those that wait now are; and is it so? */
uint64_t ws__outqueue_mark(const ws_conn *c);
bool ws__outqueue_is_past(const ws_conn *c, uint64_t mark);

/* ---- The end ------------------------------------------------------------ */

/* Who is told when a connection ends: by ws_shutdown, ws_close, or when nothing
 * more can be read.  Once, from whatever thread, which may hold locks of
 * others: ended neither waits nor asks anything of connections. */
struct ws__end_hook {
    struct ws__end_hook *next;
    void (*ended)(struct ws__end_hook *h);
};

/* Returns false if it has ended already, or without memory. */
bool ws__outqueue_add_hook(ws_conn *c, struct ws__end_hook *h);

/* Returns false if it is being called, or was. */
bool ws__outqueue_remove_hook(ws_conn *c, struct ws__end_hook *h);

/* It has ended: from any thread, more than once. */
void ws__outqueue_end(ws_conn *c);

/* Whose worker is it?  NULL: a thread's. */
static inline struct ws__worker *ws__conn_worker(const ws_conn *c)
{
    return ws__watch_worker(c->stream.watch);
}

#endif
