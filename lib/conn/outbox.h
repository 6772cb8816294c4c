/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_OUTBOX_H
#define WS_CONN_OUTBOX_H

#include "conn/conn.h"

/*
 * Who sends what waits to be sent.
 *
 * Bytes wait in the connection's buffer (conn/sendbuf), control frames in their
 * slots (conn/control_queue), messages by reference in its queue (conn/outqueue).
 * Nobody may wait to give an answer, so whoever cannot send leaves it to another
 * one, and says so by a flag.  These are the flags and the rules; tests/long/outbox
 * tries them in all orders.
 *
 *   lock         One at a time puts bytes into the buffer and sends them.  It is
 *                held while its holder waits for room.
 *   due          A slot is full, or the queue is to be looked at (enum ws__due).
 *                Set and cleared with the slots, or the queue, under their own
 *                lock, by anyone.
 *   wanted       Somebody found the lock taken.  Set by whoever did, without
 *                the lock, before a last try to take it.  Cleared by a holder
 *                before it looks at what there is to do.
 *   unsent       The buffer holds bytes, or the queue messages, that nobody is
 *                sending, since there was no room.  Set and cleared by the holder,
 *                as it lets go; while it stays so it is never cleared in between,
 *                unless rule 2 follows.
 *   queue_held   The queue waits for the end of a message in pieces, or for the
 *                turn to compress (conn/turn), and is not due until then.  In the
 *                extras.  Set by the holder, which looks once more after that;
 *                cleared by who looks.
 *   coalesced    So many messages wait in the buffer on purpose: those bytes
 *                are not unsent.  For the holder; the reading fiber alone adds
 *                to it, and has promised to send them before it waits (see
 *                conn/coalesce).
 *   end          The connection is over (conn/end): cut, shut down or closed.
 *   r.waiting    The reading fiber is about to wait for input, or waits.
 *   r.inside     It is inside of a read, and may go on to wait.  Set without a
 *                fence: for sure where a handler of control frames is called.
 *   w.waiting    The holder is about to wait for room, or waits.
 *
 * Who must look, and when:
 *
 * 1. Whoever has let go of the lock looks at due, wanted and unsent
 *    after that, and sends what there is, unless another one has the lock: then
 *    that one looks.  So whoever fills a slot need only try.
 * 2. Whoever leaves unsent set tries once more to send after that: the room may
 *    have come before the flag.
 * 3. The reader, before it waits, raises waiting and then looks at end and at
 *    unsent: if something is left, and nobody has the lock, it waits for room,
 *    too, and sends it.  One that is told of edges is told of room in any case,
 *    and looks at unsent then.
 * 4. Whoever leaves unsent set looks at the reader's waiting after that, and
 *    wakes it if it waits for input alone: it is queued under the address of
 *    unsent.
 * 5. Whoever sets end, but for a cut, looks at these three flags after that, and
 *    breaks the transport if someone waits for it.  A cut has the reader look at
 *    end: by the address of unsent, or in its worker's loop.  Either wakes all
 *    who wait for their turn, too (conn/turn): these are queued under the address
 *    of end, and look at it after they are.
 * 6. Whoever closes sends what is left over, or sees to it that it is sent
 *    (conn/linger).
 * 7. Whoever gives the turn looks at queue_held after that, makes the queue due
 *    and sends.
 *
 * So of two, one that leaves something and one that is to see it, at least one
 * looks after the other has spoken: all of these are sequentially consistent.
 *
 * Locks of a connection are taken in this order: turn, lock, control_lock.  The
 * first two are held while their holder waits for room, so whoever waits for them
 * puts off what it has promised to send before it waits (fiber/park): that may be
 * another connection's, whose lock is held by one who waits for this one's.
 */

/* The lock, by a deadline.  Returns 0 or WS_ERR_TIMEOUT. */
int ws__outbox_lock(ws_conn *c, int64_t deadline);

/* Let go of it, and see to what came meanwhile, as far as that needs no
 * waiting. */
void ws__outbox_unlock(ws_conn *c);

/* Send what can be sent without waiting: bytes left over, and answers.  Returns
 * at once when another one is writing: that one sends them. */
void ws__outbox_send(ws_conn *c);

/* Send all that is left over or waits on purpose, by the deadline.  Returns 0,
 * WS_ERR_TIMEOUT or the sticky error. */
int ws__outbox_flush(ws_conn *c, int64_t deadline);

/* The same, by the deadline for writing, for who has promised it, before it
 * waits.  Where another one is writing, or the same one further up, that one
 * sends it. */
void ws__outbox_flush_coalesced(ws_conn *c);

/* For the one who has closed: send what can be sent of what was left over.
 * Returns how many bytes remain. */
size_t ws__outbox_send_rest(ws_conn *c);

/* Are there bytes that nobody is sending? */
static inline bool ws__outbox_has_unsent(const ws_conn *c)
{
    return atomic_load(&c->w.unsent);
}

/* ---- Control frames ----------------------------------------------------- */

/* Put into their slots, and sent as soon as that needs no waiting.  From any
 * thread. */
void ws__outbox_ping(ws_conn *c);
void ws__outbox_pong(ws_conn *c, const void *data, size_t len);
void ws__outbox_close(ws_conn *c, int code, const char *reason);

/* A close frame that leaves with the end of the stream, which is to follow: TCP
 * has it wait for 200 ms at most.  Returns whether it does; if not, it is as
 * above. */
bool ws__outbox_close_last(ws_conn *c, int code);

/* The same for a server that shuts down, unless the connection is over: from any
 * thread. */
void ws__outbox_goodbye(ws_conn *c, int code, const char *reason);

/* ---- Waiting ------------------------------------------------------------ */

/* Wait for input, by the deadline, and meanwhile send what is left over.  Returns
 * the events that came, WS_ERR_TIMEOUT, WS_ERR_INTERRUPTED when event (NULL:
 * none) is set, WS_ERR_CANCELED or a negated errno.  For the reader. */
int ws__outbox_await(ws_conn *c, int64_t deadline, ws_event *event);

/* The same without waiting. */
int ws__outbox_look(ws_conn *c);

#endif
