/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_QUEUE_H
#define SILVERBACK_QUEUE_H

#include "conn.h"

WS_BEGIN_DECLS

/*
 * Messages that are handed over instead of written: whoever sends to many
 * waits for none of them.  What the peer does not take waits in the
 * connection's queue, which is bounded.
 *
 * A message that is handed over goes as soon as there is room for it: at the
 * end of the present turn of the connection's worker, with all others that came
 * until then, in one send, or at once where that worker sleeps; whatever the
 * connection's own handler does meanwhile.  A connection of a thread has it sent
 * by the caller, and a thread of the library's sends what is left.
 *
 * Messages of the queue keep their order.  One that is written (ws_write_message
 * and the like) may go ahead of them, and control frames always do.  ws_flush
 * and ws_write_close wait for those that wait then; ws_close sees to it that the
 * peer gets what waits, as far as it goes on taking it.  After a close frame
 * nothing goes: what still waits is dropped.
 *
 * Concurrency: any fiber, any thread that holds a reference.
 */

/* What to do with a peer that does not take as much as it is sent. */
typedef enum ws_slow {
    WS_SLOW_CLOSE,       /* the default: what waits is dropped, a close frame
                          * goes, and reads return WS_ERR_SLOW.  A frame that
                          * somebody is writing (ws_write_message) and that finds
                          * no room then ends where it is, without a close
                          * frame */
    WS_SLOW_DROP_OLDEST, /* of what waits, until there is room */
    WS_SLOW_DROP_NEWEST, /* what comes */
} ws_slow;

typedef struct ws_queue_options {
    size_t max_messages; /* that may wait; 0: 256 */
    size_t max_bytes; /* of frames, as servers send them; not those of the one
                          * that has begun.  0: 1 MiB */
    ws_slow slow;     /* when there are more */
    int close_code;   /* of WS_SLOW_CLOSE; 0: WS_CLOSE_TRY_AGAIN_LATER */
} ws_queue_options;

/* From now on; NULL: all as usual.  Returns 0, WS_ERR_INVALID for a code that may
 * not be sent or a policy that there is none of, or -ENOMEM. */
WS_API int ws_set_queue(ws_conn *c, const ws_queue_options *o);

/*
 * Hand a text or binary message over.  Never waits; p can be freed at once.
 *
 * Returns 0, also when a message was dropped (ws_queue_stats_get counts them); or
 *   WS_ERR_SLOW        the connection was cut, just now or before
 *   WS_ERR_CLOSE_SENT, WS_ERR_CANCELED, -ECONNRESET, ...
 *                      as ws_write_message does: what ended the connection, or
 *                      a message before this one
 *   WS_ERR_INVALID     NULL, or a control message
 *   -ENOMEM
 */
WS_API int ws_enqueue(ws_conn *c, ws_prepared *p);

/* The same for what is out of date when the next one comes: a message that waits
 * with the same key, a string, is replaced, and keeps its place. */
WS_API int ws_enqueue_latest(ws_conn *c, ws_prepared *p, const char *key);

typedef struct ws_queue_stats {
    size_t messages;    /* that wait now, */
    size_t bytes;       /* and theirs */
    uint64_t dropped;   /* messages, by a policy; also those of a cut */
    uint64_t conflated; /* replaced by a later one */
    bool cut;           /* by WS_SLOW_CLOSE */
} ws_queue_stats;
/* Returns 0, or WS_ERR_INVALID for NULL. */
WS_API int ws_queue_stats_get(ws_conn *c, ws_queue_stats *s);

WS_END_DECLS

#endif
