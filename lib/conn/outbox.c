/* SPDX-License-Identifier: MIT */

#include "conn/outbox.h"

#include <stddef.h>

#include "conn/control_queue.h"
#include "conn/drain.h"
#include "conn/end.h"
#include "conn/extras.h"
#include "conn/outqueue.h"
#include "conn/send.h"
#include "conn/sendbuf.h"
#include "conn/write_error.h"
#include "fiber/lot.h"
#include "fiber/park.h"

/* ---- Letting go --------------------------------------------------------- */

/* With the lock held.  stuck: messages by reference found no room. */
static void note_unsent(ws_conn *c, bool stuck)
{
    bool empty = ws__sendbuf_pending(c) == 0;
    bool unsent = stuck || (!empty && c->w.sendbuf->coalesced == 0);

    if (unsent != atomic_load_explicit(&c->w.unsent, memory_order_relaxed))
        atomic_store(&c->w.unsent, unsent);
    if (empty)
        ws__sendbuf_give_back(c);
}

/* Send what needs no waiting, and note what is left: with the lock held. */
static void push_out(ws_conn *c)
{
    bool stuck = false;

    if (ws__sendbuf_pending(c) == 0)
        ws__control_queue_append(c);
    if (atomic_load(&c->w.due) == WS__DUE_MESSAGES)
        stuck = ws__drain_send(c);
    (void)ws__send_try(c);
    note_unsent(c, stuck);
}

/* Rule 2. */
static void push_out_twice(ws_conn *c)
{
    bool before = atomic_load(&c->w.unsent);

    push_out(c);
    if (!before && atomic_load(&c->w.unsent))
        push_out(c);
}

/* The lock, or word for its holder. */
static bool lock_or_tell(ws_conn *c)
{
    if (ws__trylock(&c->w.lock))
        return true;
    atomic_store(&c->w.wanted, true);
    return ws__trylock(&c->w.lock);
}

/* Rule 4.  The reader waits under the flag's address as long as it has nothing
 * to send. */
static void tell_reader(ws_conn *c)
{
    if (atomic_load(&c->w.unsent) && atomic_load(&c->r.waiting))
        ws__lot_wake(&c->w.unsent, NULL, true);
}

void ws__outbox_send(ws_conn *c)
{
    do {
        if (!lock_or_tell(c))
            return;
        atomic_store(&c->w.wanted, false);
        push_out_twice(c);
        ws__unlock(&c->w.lock);
    } while (atomic_load(&c->w.wanted) ||
             (atomic_load(&c->w.due) && !atomic_load(&c->w.unsent)));
    tell_reader(c);
}

/* What the caller has promised to send is put off: see the order of locks. */
int ws__outbox_lock(ws_conn *c, int64_t deadline)
{
    if (ws__trylock(&c->w.lock))
        return 0;
    struct ws__before *due = ws__before_park_put_off();
    int r = ws__lock_until(&c->w.lock, deadline);
    ws__before_park_take_up(due);
    return r;
}

void ws__outbox_unlock(ws_conn *c)
{
    note_unsent(c, false);
    ws__unlock(&c->w.lock);
    if (atomic_load(&c->w.due) || atomic_load(&c->w.unsent) ||
        atomic_load(&c->w.wanted))
        ws__outbox_send(c);
}

/* ---- Flushing ----------------------------------------------------------- */

/* With the lock held, which is let go. */
static void send_and_unlock(ws_conn *c, int64_t deadline)
{
    if (ws__write_error(c) == 0)
        ws__write_settle_untold(c, ws__send_pending(c, deadline));
    ws__outbox_unlock(c);
}

/* The same, and what waits in the outqueue: not what comes meanwhile, for that
 * may have no end. */
static int move_and_send(ws_conn *c, int64_t deadline)
{
    uint64_t mark = ws__outqueue_mark(c);
    int error = ws__write_error(c);

    if (error != 0)
        return error;
    do {
        bool past = ws__outqueue_is_past(c, mark);
        error = past ? 0 : ws__drain_move(c);
        if (error == 0 && ws__sendbuf_pending(c) > 0)
            error = ws__send_pending(c, deadline);
        else if (error == 0)
            break;
    } while (error == 0);
    return ws__write_settle(c, error);
}

int ws__outbox_flush(ws_conn *c, int64_t deadline)
{
    int error = ws__outbox_lock(c, deadline);

    if (error == 0) {
        error = move_and_send(c, deadline);
        ws__outbox_unlock(c);
    }
    ws__write_tell(c);
    return error;
}

void ws__outbox_flush_coalesced(ws_conn *c)
{
    if (lock_or_tell(c))
        send_and_unlock(c, ws__write_deadline(c));
}

/* Who else has the lock will not wait with it: the connection has ended.  No flag
 * says what that one is sending, and the stream's end must not go ahead of it. */
size_t ws__outbox_send_rest(ws_conn *c)
{
    ws__outbox_lock(c, 0);
    do
        push_out(c);
    while (atomic_load(&c->w.due) && !atomic_load(&c->w.unsent));
    size_t left = ws__sendbuf_pending(c) + ws__outqueue_bytes(c);
    ws__unlock(&c->w.lock);
    return left;
}

size_t ws_buffered(const ws_conn *conn)
{
    ws_conn *c = (ws_conn *)conn;
    size_t here;

    if (!c)
        return 0;
    if (ws__trylock(&c->w.lock)) {
        here = ws__sendbuf_pending(c) + ws__outqueue_bytes(c);
        ws__outbox_unlock(c);
    } else {
        here = atomic_load_explicit(&c->w.stuck, memory_order_relaxed);
    }
    return here + (size_t)ws__stream_unacked(&c->stream);
}

/* ---- Control frames ----------------------------------------------------- */

void ws__outbox_ping(ws_conn *c)
{
    ws__control_queue_ping(c);
    ws__outbox_send(c);
}

void ws__outbox_pong(ws_conn *c, const void *data, size_t len)
{
    ws__control_queue_pong(c, data, len);
    ws__outbox_send(c);
}

void ws__outbox_close(ws_conn *c, int code, const char *reason)
{
    ws__control_queue_close(c, code, reason);
    ws__outbox_send(c);
}

bool ws__outbox_close_last(ws_conn *c, int code)
{
    ws__control_queue_close(c, code, NULL);
    if (!ws__trylock(&c->w.lock)) {
        ws__outbox_send(c);
        return false;
    }
    c->stream.follows = true;
    push_out(c);
    c->stream.follows = false;
    bool all = ws__sendbuf_pending(c) == 0;
    ws__outbox_unlock(c);
    return all;
}

void ws__outbox_goodbye(ws_conn *c, int code, const char *reason)
{
    if (!ws__conn_ended(c))
        ws__outbox_close(c, code, reason);
}

/* ---- Waiting ------------------------------------------------------------ */

/* Is something left that the reader is to send?  While another one has the lock,
 * room is that one's to wait for, and poll(2) would tell of it again and again. */
static bool has_something(const ws_conn *c)
{
    return atomic_load(&c->w.unsent) && !ws__lock_is_taken(&c->w.lock);
}

/* Asked by the address of unsent. */
static bool has_nothing(const void *key)
{
    const ws_conn *c =
        (const ws_conn *)((const char *)key - offsetof(ws_conn, w.unsent));

    return !has_something(c) && !ws__conn_ended(c);
}

/* Asked by the address of end. */
static bool is_open(const void *key)
{
    return !ws__conn_ended(
        (const ws_conn *)((const char *)key - offsetof(ws_conn, end)));
}

/* Rule 3: poll(2) would tell of room at once and for ever, so it is asked only
 * when something is left; and whoever leaves it later ends the wait. */
static int outbox_wait_once(ws_conn *c, int64_t deadline, ws_event *event)
{
    struct ws__stream *s = &c->stream;
    struct ws__wait_key keys[WS__WAIT_KEYS];
    int events = s->read_events, n = 0;
    bool edges = ws__stream_has_edges(s);
    bool something = !edges && has_something(c);

    if (edges || something)
        events |= s->write_events;
    if (!edges)
        keys[n++] = something
                        ? (struct ws__wait_key){ is_open, &c->end }
                        : (struct ws__wait_key){ has_nothing, &c->w.unsent };
    if (event)
        keys[n++] = ws__wait_unset(event);
    return n == 0 ? ws__stream_wait(s, events, deadline)
                  : ws__stream_wait_while(s, events, deadline, keys, n);
}

static int wait_for_events(ws_conn *c, int64_t deadline, ws_event *event)
{
    int got;

    do {
        got = WS_ERR_CANCELED;
        if (ws__wait_begins(c, &c->r.waiting))
            got = outbox_wait_once(c, deadline, event);
        ws__wait_ends(&c->r.waiting);
        if (got == WS_ERR_CANCELED && event && ws_event_is_set(event) &&
            !ws__conn_ended(c))
            got = WS_ERR_INTERRUPTED;
    } while (got == WS_ERR_CANCELED && !ws__conn_ended(c));
    return got;
}

static void send_if_room(ws_conn *c, int got)
{
    if (got > 0 && (got & c->stream.write_events) && atomic_load(&c->w.unsent))
        ws__outbox_send(c);
}

int ws__outbox_await(ws_conn *c, int64_t deadline, ws_event *event)
{
    int got = wait_for_events(c, deadline, event);

    send_if_room(c, got);
    return got;
}

/* What the watch has seen meanwhile; it tells the loop of all that follows. */
int ws__outbox_look(ws_conn *c)
{
    int events = c->stream.read_events | c->stream.write_events;
    int got = ws__conn_ended(c) ? WS_ERR_CANCELED
                                : ws__watch_take(c->stream.watch, events);

    send_if_room(c, got);
    return got == 0 ? WS_ERR_TIMEOUT : got;
}
