/* SPDX-License-Identifier: MIT */

#include "conn/close.h"

#include "base/log.h"
#include "conn/close_answer.h"
#include "conn/count.h"
#include "conn/end.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/linger.h"
#include "conn/message_lock.h"
#include "conn/outbox.h"
#include "conn/read.h"
#include "conn/write_control.h"
#include "fiber/limit.h"
#include "fiber/name.h"
#include "fiber/park.h"
#include "fiber/sched.h"

enum { PASSED = 1 }; /* a deadline */

enum keeping {
    OWNERS,     /* its owner closes it */
    KEPT,       /* the library does */
    KEPT_ASKED, /* and ws_close was called */
    GONE,       /* it was closed */
};

/* The end of the stream comes with that of the descriptor, which others may keep.
 * It stays in its list until then: so it counts, and a shutdown whose deadline
 * passes meanwhile breaks it. */
static void let_go(ws_conn *c)
{
    if (atomic_load(&c->refs) > 1)
        ws__stream_break(&c->stream);
    ws__count_end(c);
    if (c->entry.stats)
        c->entry.stats->ops->gone(&c->entry);
    ws_unref(c);
}

static struct ws__linger lingering(ws_conn *c)
{
    int ms = ws__extras(c)->write_timeout_ms;

    return (struct ws__linger){ .stream = &c->stream,
                                .conn = c,
                                .until = ws__limit_deadline(ms) };
}

/* What came of a message is of no use any more, but who else has a reference may
 * be inside of a read that is about to return. */
static void linger_on(void *conn)
{
    ws_conn *c = conn;
    struct ws__linger l = lingering(c);

    ws__fiber_label(WS__WORK "closing a connection");
    if (atomic_load(&c->refs) == 1)
        ws__inbox_give_back(c);
    ws__linger(&l);
    ws__stream_break(&c->stream);
    let_go(c);
}

/* Takes the reference. */
static void in_background(ws_conn *c)
{
    ws_fiber *f = ws_go(linger_on, c);

    if (!f)
        let_go(c);
    ws_detach(f);
}

static bool is_its_reader(const ws_conn *c)
{
    return atomic_load_explicit(&c->reading_fiber, memory_order_relaxed) ==
           ws__parker_self();
}

static void close_now(ws_conn *c)
{
    ws__close_answer_give(c);
    ws__outbox_send(c);
    bool whole = ws__conn_end(c, WS__CLOSED);
    ws__message_abandon(c);
    if (!whole || atomic_load(&c->w.error) != 0) {
        let_go(c);
        return;
    }
    if (is_its_reader(c) && ws__close_answer_parts(c)) {
        let_go(c);
        return;
    }
    struct ws__linger l = lingering(c);
    if (ws__linger_step(&l))
        let_go(c);
    else
        in_background(c);
}

/* ---- Closed by whom it is not to be ------------------------------------- */

static void close_log(const ws_conn *c, const char *where, const char *then)
{
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "misuse",
                                         .conn = c };

    ws__log(&topic, "ws_close %s: %s", where, then);
}

/* It is not its owner's, or no more. */
static void close_ask(ws_conn *c)
{
    unsigned char kept = KEPT;

    if (!atomic_compare_exchange_strong(&c->w.keeping, &kept, KEPT_ASKED)) {
        if (kept == GONE)
            close_log(c, "of a connection that is closed", "it does nothing");
        return;
    }
    close_log(c, "of a connection that the library closes",
              "that is left to it");
    if (!is_its_reader(c))
        ws_shutdown(c);
}

bool ws__close_keep(ws_conn *c)
{
    unsigned char owners = OWNERS;

    if (!atomic_compare_exchange_strong(&c->w.keeping, &owners, KEPT))
        return false;
    atomic_store_explicit(&c->reading_fiber, ws__parker_self(),
                          memory_order_relaxed);
    return true;
}

bool ws__close_was_asked(const ws_conn *c)
{
    return atomic_load_explicit(&c->w.keeping, memory_order_relaxed) ==
           KEPT_ASKED;
}

void ws__close_kept(ws_conn *c)
{
    atomic_store(&c->w.keeping, GONE);
    close_now(c);
}

/* A read that is under way goes on when a handler returns, and needs it. */
void ws_close(ws_conn *c)
{
    unsigned char owners = OWNERS;

    if (!c)
        return;
    if (atomic_load(&c->w.keeping) != GONE && is_its_reader(c) &&
        c->r.in_handler) {
        close_log(c, "within a handler of control frames",
                  "it is shut down, and still to be closed");
        ws_shutdown(c);
    } else if (atomic_compare_exchange_strong(&c->w.keeping, &owners, GONE)) {
        close_now(c);
    } else {
        close_ask(c);
    }
}

/* ---- The whole handshake ------------------------------------------------ */

/* Read and drop until the peer's close frame is in. */
static int wait_for_close(ws_conn *c, int64_t deadline)
{
    int error;

    do
        error = ws__read_skip(c, deadline);
    while (error == 0);
    return error == WS_ERR_CLOSED ? 0 : error;
}

int ws_finish(ws_conn *c, int code, const char *reason, int64_t deadline)
{
    if (!c || !ws__close_sendable(code))
        return WS_ERR_INVALID;
    int error = ws__write_close_by(c, code, reason, deadline);
    if (error == 0 || error == WS_ERR_CLOSE_SENT)
        return wait_for_close(c, deadline);
    if (error == WS_ERR_TIMEOUT)
        ws__outbox_close(c, code, reason); /* when there is room */
    /* There will be no answer then, but the peer's own may lie here. */
    int end = wait_for_close(c, PASSED);
    return end == WS_ERR_TIMEOUT ? error : end;
}
