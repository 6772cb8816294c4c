/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_BATCH_H
#define WS_CONN_BATCH_H

#include "conn/outqueue.h"

/*
 * Messages that go out together, in this order, to many connections.  Their bytes
 * are put together once for each way of compressing.
 *
 * Concurrency: one thread at a time.
 */
struct ws__batch_item {
    ws_prepared *message; /* a reference */
    const char *key;      /* NULL: none; lives as long as the batch */
};

/* Before a message of them, in all. */
struct ws__batch_mark {
    size_t at;      /* bytes of frames, */
    size_t payload; /* of what is in them, */
    size_t plain;   /* and of that before it was compressed */
};

/* Their forms, one behind the other. */
struct ws__batch_run {
    struct ws__batch_run *next;
    int level; /* INT_MIN: plain */
    int bits;
    uint8_t *bytes;
    struct ws__batch_mark marks[]; /* one more than there are messages */
};

struct ws__batch {
    struct ws__batch_item *items;
    size_t n;
    size_t size;
    struct ws__batch_run *runs;
    struct ws__outqueue_counts counts; /* for whoever sends it */
};

/* One that is all zeroes is empty. */

/* Append a message, of which it takes a reference.  Not once it was sent.
 * Returns 0 or -ENOMEM. */
int ws__batch_add(struct ws__batch *b, ws_prepared *p, const char *key);

/* Forget all of it, and what was counted; it can be used again. */
void ws__batch_clear(struct ws__batch *b);

/*
 * Send the messages from (index) on to c, without waiting; what does not go at
 * once waits in c's queue, by its policy.  In the loop of c's worker (or in a
 * fiber of it), or from any thread if c is a thread's.  Returns 0, or a code that
 * says that the connection has ended.
 */
int ws__batch_send(struct ws__batch *b, size_t from, ws_conn *c);

/* c is the one after the next: have it in the cache. */
static inline void ws__batch_fetch(const ws_conn *c)
{
    const char *p = (const char *)c;

    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
    __builtin_prefetch(p + 128);
    __builtin_prefetch(p + 192);
}

#endif
