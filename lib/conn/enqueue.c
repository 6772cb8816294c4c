/* SPDX-License-Identifier: MIT */

#include "conn/enqueue.h"

#include <poll.h>
#include <string.h>

#include "conn/control_queue.h"
#include "conn/end.h"
#include "conn/error.h"
#include "conn/extras.h"
#include "conn/outbox.h"
#include "conn/write_error.h"
#include "conn/write_message.h"
#include "fiber/lot.h"

/* ---- In a worker -------------------------------------------------------- */

/* The handler may wait anywhere: what is left unsent goes when there is room. */
static void room_came(struct ws__callee *room, int events)
{
    const struct ws__outqueue *q =
        (struct ws__outqueue *)((char *)room -
                                offsetof(struct ws__outqueue, room));
    ws_conn *c = q->conn;

    if ((events & c->stream.write_events) && ws__outbox_has_unsent(c))
        ws__outbox_send(c);
}

static void call_for_room(ws_conn *c, struct ws__outqueue *q)
{
    if (atomic_exchange(&q->called, true))
        return;
    q->room.call = room_came;
    if (!ws__watch_calls(c->stream.watch))
        ws__watch_call(c->stream.watch, &q->room);
}

/* In the loop of the connection's worker. */
static void enqueue_arrived(struct ws__post *p)
{
    struct ws__outqueue *q = (struct ws__outqueue *)p;
    ws_conn *c = q->conn;

    atomic_store(&q->posted, false);
    call_for_room(c, q);
    if (atomic_load(&c->end) == WS__CUT)
        ws__watch_stir(c->stream.watch, POLLIN | POLLOUT);
    ws__outbox_send(c);
    ws_unref(c);
}

/* Returns false if the worker has ended. */
static bool enqueue_post(ws_conn *c, struct ws__outqueue *q)
{
    if (atomic_exchange(&q->posted, true))
        return true;
    ws_ref(c);
    q->post.fn = enqueue_arrived;
    bool posted = ws__worker_post(ws__conn_worker(c), &q->post);
    if (!posted) {
        atomic_store(&q->posted, false);
        ws_unref(c);
    }
    return posted;
}

/* ---- In threads --------------------------------------------------------- */

static bool is_to_wait_for_room(const ws_conn *c)
{
    return ws__outbox_has_unsent(c) && atomic_load(&c->end) < WS__SHUT;
}

/* Its thread may wait anywhere.  Who leaves something while this is about to end
 * leaves it to this. */
static void send_as_there_is_room(void *conn)
{
    ws_conn *c = conn;
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    int error = 0;

    do {
        while (error == 0 && is_to_wait_for_room(c)) {
            error = ws__stream_wait_progress(&c->stream, 0,
                                             ws__extras(c)->write_timeout_ms);
            if (error == 0)
                ws__outbox_send(c);
        }
        atomic_store(&q->flushing, false);
    } while (error == 0 && is_to_wait_for_room(c) &&
             !atomic_exchange(&q->flushing, true));
    ws_unref(c);
}

static void start_to_send(ws_conn *c, struct ws__outqueue *q)
{
    if (!ws__outbox_has_unsent(c) || atomic_exchange(&q->flushing, true))
        return;
    ws_fiber *f = ws_go(send_as_there_is_room, ws_ref(c));
    if (!f) {
        atomic_store(&q->flushing, false);
        ws_unref(c);
    }
    ws_detach(f);
}

/* ---- Handing over ------------------------------------------------------- */

static void wake_reader(ws_conn *c, struct ws__outqueue *q)
{
    if (!ws__conn_worker(c) || !enqueue_post(c, q))
        ws__lot_wake(&c->w.unsent, NULL, true);
}

/* Nothing may go between what is dropped and the close frame; and that lies in
 * its slot before anybody hears of the end, and closes: nothing is left to be sent
 * then. */
static void cut_with(ws_conn *c, struct ws__outqueue *q, int code,
                     const char *reason, struct ws__outqueue_counts *n)
{
    if (!ws__conn_ended(c))
        ws__control_queue_close(c, code, reason);
    bool was_open = ws__conn_cut(c);
    ws__outqueue_cut(c, n);
    if (was_open) {
        wake_reader(c, q);
        ws__outbox_send(c);
    }
}

static int cut_off(ws_conn *c, struct ws__outqueue *q,
                   struct ws__outqueue_counts *n)
{
    ws__outqueue_lock(q);
    const ws_queue_options o = q->options;
    ws__outqueue_unlock(q);
    if (!ws__conn_ended(c))
        ws__conn_fail(c, WS_ERR_SLOW,
                      "%s: more than %zu messages or %zu bytes waited for it",
                      ws_strerror(WS_ERR_SLOW), o.max_messages, o.max_bytes);
    cut_with(c, q, o.close_code, "too slow", n);
    return WS_ERR_SLOW;
}

void ws__enqueue_cut(ws_conn *c, const char *reason,
                     struct ws__outqueue_counts *n)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);

    if (!ws__conn_ended(c))
        ws__conn_fail(c, WS_ERR_SLOW, "cut by this side: %s", reason);
    cut_with(c, q, WS_CLOSE_TRY_AGAIN_LATER, reason, n);
}

/* A worker that does something gets one post for all that comes meanwhile. */
static void enqueue_kick(ws_conn *c, struct ws__outqueue *q, bool at_once)
{
    struct ws__worker *w = ws__conn_worker(c);
    bool idle = w && w != ws__worker_here() && ws__worker_is_asleep(w) &&
                atomic_load(&q->called);

    if (w && !at_once && !idle && enqueue_post(c, q))
        return;
    ws__outbox_send(c);
    if (!w)
        start_to_send(c, q);
    else if (w == ws__worker_here())
        call_for_room(c, q);
}

int ws__enqueue_settle(ws_conn *c, bool at_once, struct ws__outqueue_counts *n)
{
    struct ws__outqueue *q = ws__outqueue_own(c);

    if (!q) /* nothing waits in it: what is left goes with the next message */
        return 0;
    bool over = ws__outqueue_is_over(q);
    if (over && !ws__outbox_has_unsent(c))
        ws__outbox_send(c);
    if (over && !ws__outqueue_bound(c, n))
        return cut_off(c, q, n);
    if ((atomic_load(&c->w.due) & WS__DUE_MESSAGES) || ws__outbox_has_unsent(c))
        enqueue_kick(c, q, at_once);
    return 0;
}

static int enqueue_any(ws_conn *c, ws_prepared *p, const char *key)
{
    struct ws__outqueue_counts n = { 0 };

    if (!c || !p || !ws__is_data(p->type))
        return WS_ERR_INVALID;
    int error = ws__write_check(c);
    if (error == 0)
        error = ws__outqueue_put(c, p, key, &n);
    return error == 0 ? ws__enqueue_settle(c, false, &n) : error;
}

int ws_enqueue(ws_conn *c, ws_prepared *p)
{
    return enqueue_any(c, p, NULL);
}

int ws_enqueue_latest(ws_conn *c, ws_prepared *p, const char *key)
{
    return key ? enqueue_any(c, p, key) : WS_ERR_INVALID;
}
