/* SPDX-License-Identifier: MIT */

#include "http/upgrade.h"

#include <silverback/upgrade.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/conn.h"
#include "conn/count.h"
#include "conn/outbox.h"
#include "conn/setup.h"
#include "conn/share.h"
#include "fiber/limit.h"
#include "fiber/sched.h"
#include "http/access.h"
#include "http/deny.h"
#include "http/peer.h"
#include "proto/extension.h"
#include "proto/handshake_server.h"
#include "proto/header.h"
#include "proto/http_write.h"

enum { HANDSHAKE_TIMEOUT_MS = 10 * 1000 };

/* ---- Refusing ----------------------------------------------------------- */

/* r->error says why.  Returns its code. */
static int refuse_upgrade_as(const ws_upgrader *u, struct ws__request *r,
                             int status, const ws_header *needed)
{
    ws_request *pub = &r->pub;

    r->refused = true;
    pub->error.http_status = status;
    ws__access_refusal(r, status);

    /* What follows a request with a body may have been meant as frames. */
    if (r->has_body)
        r->keep_alive = false;
    r->needed = needed;
    if (u->error)
        u->error(pub, status, pub->error.text, u->arg);
    if (!r->answered)
        ws__deny(r, &(struct ws__denial){ .status = status,
                                          .reason = pub->error.text,
                                          .text = ws__http_reason(status),
                                          .needed = needed });
    r->needed = NULL;
    return pub->error.code;
}

static int refuse_upgrade(const ws_upgrader *u, struct ws__request *r, int code,
                          const char *reason)
{
    ws__fail(&r->pub.error, code, "%s", reason);
    return refuse_upgrade_as(u, r, 500, NULL);
}

static int check_upgrade(const ws_upgrader *u, struct ws__request *r,
                         const ws_header *headers)
{
    struct ws__refusal how = ws__handshake_check(&r->pub, r->minor, r->has_body,
                                                 u, headers, &r->pub.error);

    return how.status == 0 ? 0
                           : refuse_upgrade_as(u, r, how.status, how.headers);
}

static int admit_upgrade(const ws_upgrader *u, struct ws__request *r,
                         struct ws__setup *setup)
{
    struct ws__limits_refusal refusal;
    char seconds[16];
    const ws_header retry[] = { { "Retry-After", seconds }, { 0 } };

    setup->share = ws__peer_admit_upgrade(r, &refusal);
    if (!refusal.why)
        return 0;
    snprintf(seconds, sizeof(seconds), "%d", refusal.retry_after_s);
    ws__fail(&r->pub.error, WS_ERR_HANDSHAKE, "websocket: %s", refusal.why);
    return refuse_upgrade_as(u, r, 429, retry);
}

/* On a connection that was kept, the client can go elsewhere; one that was
 * accepted for this is not turned away. */
static bool is_too_late(const ws_upgrader *u, struct ws__request *r)
{
    const struct ws__session *s = r->session;

    if (!s->served || !ws__registry_closing(s->host->registry))
        return false;
    ws__fail(&r->pub.error, WS_ERR_CANCELED, "upgrade: the server is stopping");
    refuse_upgrade_as(u, r, 503, NULL);
    return true;
}

/* ---- Upgrading ---------------------------------------------------------- */

static void decide_setup(struct ws__setup *setup, const ws_upgrader *u,
                         const ws_request *r, const ws_header *headers)
{
    *setup = (struct ws__setup){
        .read_buffer_size = u->read_buffer_size,
        .write_buffer_size = u->write_buffer_size,
        .write_buffer_pool = u->write_buffer_pool,
        .read_limit = u->read_limit,
        .write_timeout_ms = u->write_timeout_ms,
        .ping_interval_ms = u->ping_interval_ms,
        .min_read_rate = u->min_read_rate,
    };
    setup->subprotocol =
        u->subprotocols ? ws__subprotocol_choose(r->headers, u->subprotocols)
                        : ws_header_get(headers, "Sec-WebSocket-Protocol");
    if (u->enable_compression)
        ws__deflate_choose(&setup->deflate, r->headers,
                           u->context_takeover_bits);
}

static int send_answer(const ws_upgrader *u, struct ws__request *r,
                       const struct ws__http_out *o)
{
    int ms = u->handshake_timeout_ms;
    struct ws__session *s = r->session;

    r->answered = true;
    int error = ws__stream_write(
        &s->stream, o->p, o->len,
        ws__limit_deadline(ms == 0 ? HANDSHAKE_TIMEOUT_MS : ms));
    if (error == 0)
        return 0;
    s->broken = true;
    return ws__fail(&r->pub.error, error, "sending the 101 response: %s",
                    ws_strerror(error));
}

struct upgrade_answer {
    struct ws__http_out out;
    const ws_request *request;
    const struct ws__setup *setup;
    const ws_header *headers;
    int error;
};

/* On the worker's stack: OpenSSL's way to a SHA-1 is too deep for a fiber's. */
static void write_answer(void *answer)
{
    struct upgrade_answer *a = answer;

    a->error = ws__handshake_answer(&a->out, a->request, a->setup->subprotocol,
                                    &a->setup->deflate, a->headers);
}

static int answer_upgrade(const ws_upgrader *u, struct ws__request *r,
                          const struct ws__setup *setup,
                          const ws_header *headers)
{
    struct upgrade_answer a = { .request = &r->pub,
                                .setup = setup,
                                .headers = headers };

    ws__http_out_init(&a.out);
    ws__on_loop_stack(write_answer, &a);
    int error = a.error;
    error = error == 0
                ? send_answer(u, r, &a.out)
                : refuse_upgrade(u, r, error,
                                 error == -ENOMEM
                                     ? "out of memory"
                                     : "a response header cannot be sent");
    ws__http_out_fini(&a.out);
    return error;
}

static ws_conn *conn_of(struct ws__entry *e)
{
    return (ws_conn *)((char *)e - offsetof(ws_conn, entry));
}

static void upgraded_goodbye(struct ws__entry *e)
{
    const char *reason;
    int code = ws__registry_goodbye(ws__registry_of(e->stats), &reason);

    ws__outbox_goodbye(conn_of(e), code, reason);
}

static void upgraded_cut(struct ws__entry *e)
{
    ws_shutdown(conn_of(e));
}

static void upgraded_gone(struct ws__entry *e)
{
    ws__access_end(ws__registry_of(e->stats), conn_of(e));
    ws__entry_remove(e);
}

const struct ws__entry_ops ws__upgraded_ops = {
    .close = upgraded_goodbye,
    .cut = upgraded_cut,
    .gone = upgraded_gone,
    .freed = ws__entry_freed,
    .spread = true,
};

static void welcome_conn(struct ws__request *r, ws_conn *c)
{
    ws__entry_upgraded(&c->entry, &r->session->entry);
    ws__count_once(c, WS_COUNT_OPENED);
    ws__access_upgrade(r, c);
}

/* From here on the stream is the connection's, or closed. */
static ws_conn *hand_over(struct ws__request *r, struct ws__setup *setup)
{
    struct ws__session *s = r->session;

    if (!setup->share) {
        setup->share = s->share;
        s->share = NULL;
    }
    setup->remote = ws__peer_named(r);
    if (!setup->remote && ws__registry_has_access(s->host->registry))
        setup->remote = s->remote; /* its socket may soon not know it */
    setup->early = s->in.pos;
    setup->early_len = ws__buf_used(&s->in);

    ws__entry_withdraw(&s->entry);
    s->upgraded = true;
    ws_conn *c = ws__conn_new(&s->stream, setup, &r->pub.error);
    ws__buf_release(&s->in, NULL);
    s->conn = c;
    if (c)
        welcome_conn(r, c);
    else
        ws__entry_lost(&s->entry);
    if (s->in_thread)
        ws_set_coalescing(c, false);
    return c;
}

/* Why it cannot even be asked for; NULL: it can. */
static const char *misuse_of(const struct ws__request *r)
{
    if (!r)
        return "the library did not make this request";
    if (r->answered)
        return "the request was answered already";
    return r->refused ? "the request is being refused" : NULL;
}

ws_conn *ws_upgrade(const ws_upgrader *u, ws_request *pub,
                    const ws_header *headers)
{
    static const ws_upgrader standard;
    struct ws__request *r = ws__request_of(pub);
    struct ws__setup setup;

    u = u ? u : &standard;
    if (pub)
        pub->error = (ws_error){ 0 };
    const char *wrong = misuse_of(r);
    if (wrong) {
        ws__fail(pub ? &pub->error : NULL, WS_ERR_INVALID, "upgrade: %s",
                 wrong);
        return NULL;
    }
    if (is_too_late(u, r) || check_upgrade(u, r, headers) != 0)
        return NULL;

    decide_setup(&setup, u, pub, headers);
    if (admit_upgrade(u, r, &setup) != 0)
        return NULL;
    if (answer_upgrade(u, r, &setup, headers) != 0) {
        ws__share_leave(setup.share);
        return NULL;
    }
    return hand_over(r, &setup);
}

ws_request *ws_conn_request(ws_conn *c)
{
    struct ws__session *s = ws__own();

    return c && s && s->conn == c ? &s->under_way->pub : NULL;
}
