/* SPDX-License-Identifier: MIT */

#include "http/session.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/conn.h"
#include "conn/linger.h"
#include "conn/share.h"
#include "fiber/limit.h"
#include "fiber/sched.h"
#include "http/access.h"
#include "http/deny.h"
#include "http/deny_unread.h"
#include "http/handle.h"
#include "http/on_message.h"
#include "http/peer.h"
#include "http/request.h"
#include "http/secure.h"
#include "proto/http_write.h"

/* ---- Its place among the others ----------------------------------------- */

static struct ws__session *session_of(struct ws__entry *e)
{
    return (struct ws__session *)((char *)e -
                                  offsetof(struct ws__session, entry));
}

static void session_close(struct ws__entry *e)
{
    struct ws__session *s = session_of(e);

    if (e->idle && (s->served || ws_now() >= s->fresh_until))
        ws__stream_end_reading(&s->stream);
}

static void session_cut(struct ws__entry *e)
{
    ws__stream_break(&session_of(e)->stream);
}

const struct ws__entry_ops ws__session_ops = {
    .close = session_close,
    .cut = session_cut,
};

static void session_init(struct ws__session *s, const struct ws__newcomer *n)
{
    s->host = n->host;
    s->server = &n->host->server;
    s->first_by = n->first_by;
    s->fresh_until = n->fresh_until;
    s->in = (struct ws__buf){ 0 };
    s->served = s->upgraded = s->broken = s->in_thread = s->handed_on = false;
    s->share = n->share;
    s->conn = NULL;
    s->on_message = false;
    s->route = NULL;
    ws__stream_socket(&s->stream, n->fd);
    memcpy(s->remote, n->remote, sizeof(s->remote));
    ws__entry_add(&s->entry, n->host->registry, n->seat, &s->stay);
}

/* The entry goes first: the descriptor must not be broken once it is closed,
 * or another's. */
static void session_fini(struct ws__session *s)
{
    if (!s->upgraded) {
        ws__entry_remove(&s->entry);
        ws__stream_fini(&s->stream);
    }
    ws__share_leave(s->share);
    ws__buf_release(&s->in, NULL);
    if (!s->handed_on)
        ws__session_end(s->host->registry, &s->stay);
}

void ws__session_abandon(void *newcomer)
{
    struct ws__newcomer *n = newcomer;
    struct ws__session s;

    session_init(&s, n);
    ws_free(n);
    session_fini(&s);
}

/* ---- One request after the other ---------------------------------------- */

__attribute__((noinline)) static void refuse_request(struct ws__request *r,
                                                     const struct ws__fault *f)
{
    char text[160];

    snprintf(text, sizeof(text), "%s: %s", ws__http_reason(f->status), f->text);
    ws__deny(r, &(struct ws__denial){
                    .status = f->status, .reason = f->text, .text = text });
}

/* Returns whether another request may follow, which it may not behind one that
 * there was no memory to answer; *answered: the peer has an answer to read. */
static bool serve_one(struct ws__session *s, bool *answered)
{
    struct ws__fault fault = { 0 };
    struct ws__request *r = ws__request_receive(s, &fault);

    *answered = false;
    if (!r)
        return false;
    if (fault.status != 0)
        refuse_request(r, &fault);
    else
        ws__handle(r);
    ws__access_request(r);
    *answered = r->answered;
    bool more = r->keep_alive && r->answered;
    ws__request_free(r);
    s->served = true;
    return more && !s->upgraded && !s->broken;
}

/* Large frames of what is seldom called stay out of those that wait for long.
 * Without a request under way the peer may have a former answer still to take. */
__attribute__((noinline)) static void session_linger(struct ws__session *s,
                                                     bool idle)
{
    struct ws__linger l = {
        .stream = &s->stream,
        .idle = idle,
        .until = ws__limit_deadline(s->server->write_timeout_ms),
    };

    ws__linger(&l);
}

/* There is no time for an answer by TLS. */
static bool meet_peer(struct ws__session *s, bool *answered)
{
    struct ws__limits_refusal why;
    bool met = ws__peer_meet(s, &why);

    *answered = !met && why.why && !s->host->tls;
    if (*answered)
        ws__deny_unread(s->host, s->stream.fd, s->remote, &why);
    return met;
}

static void serve_all(struct ws__session *s)
{
    bool answered = false;

    (void)ws__conn_watch(&s->stream); /* else it does without */
    if (meet_peer(s, &answered) && ws__secure(s, &answered))
        while (serve_one(s, &answered))
            continue;
    if (!s->upgraded && (answered || s->served))
        session_linger(s, !answered);
    if (s->on_message)
        ws__on_message_go_on(s);
}

void ws__session_run(void *newcomer)
{
    struct ws__newcomer *n = newcomer;
    struct ws__session s;

    ws__fiber_label(ws__handle_none);
    session_init(&s, n);
    ws_free(n);
    serve_all(&s);
    session_fini(&s);
}
