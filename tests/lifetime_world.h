/* SPDX-License-Identifier: MIT */

#ifndef TESTS_LIFETIME_WORLD_H
#define TESTS_LIFETIME_WORLD_H

/*
 * A connection in one of the states of lifetime_table.h, its peer, and somebody
 * who makes one call: what that returns, what the peer gets from then on, and how
 * the other calls under way end.
 */

#include "mode.h"

#include "conn/inbox.h"
#include "conn/linger.h"
#include "conn/sendbuf.h"
#include "lifetime_table.h"
#include "pair.h"

enum { MUCH = 1 << 20, NOW = 1 /* a deadline that has passed */ };

struct life {
    enum call call;
    enum caller caller;
    enum state state;

    int raw; /* the peer's end */
    int fd;  /* ours */
    ws_conn *c;
    bool closed; /* the owner's reference was given up */
    ws_fiber *other;
    ws_fiber *writer;
    ws_event ready;     /* the state is there */
    ws_event performed; /* the call has returned */
    ws_event over;      /* and all others have */
    ws_route routes[2];
    ws_listener *l;

    int returned;
    int read;    /* by the reading fiber, under way or next */
    int written; /* the message that was blocked, or in pieces */
    char heard[256];
};

static atomic_int life_refusals;

static inline void life_log(const ws_log_record *r, void *arg)
{
    (void)arg;
    if (strstr(r->fields, "event=misuse"))
        atomic_fetch_add(&life_refusals, 1);
}

static inline void life_wait(ws_event *e)
{
    assert_int_equal(ws_event_wait(e, patience()), 0);
}

/* ---- The call ----------------------------------------------------------- */

static inline int life_read(struct life *l)
{
    ws_message m;

    return ws_read_message_by(l->c, &m, patience(), NULL);
}

static inline void life_perform(struct life *l)
{
    int before = atomic_load(&life_refusals);

    switch (l->call) {
    case CLOSE:
        ws_close(l->c);
        break;
    case SHUTDOWN:
        ws_shutdown(l->c);
        break;
    case WRITE:
        l->returned = ws_write_message_by(l->c, WS_TEXT, "w", 1, NOW);
        break;
    case PING:
        l->returned = ws_write_control(l->c, WS_PING, "p", 1, NOW);
        break;
    case READ:
        l->returned = life_read(l);
        break;
    case CALLS:
        break;
    }
    if (atomic_load(&life_refusals) != before)
        l->returned = REFUSED;
    else if (l->call == CLOSE)
        l->closed = true;
    ws_event_set(&l->performed);
}

/* ---- Into the state ----------------------------------------------------- */

static inline void life_write_much(void *arg)
{
    struct life *l = arg;
    char *text = make_text(MUCH);

    l->written = ws_write_message_by(l->c, WS_BINARY, text, MUCH, 0);
    free(text);
}

/* By the one that reads; what the peer says for it is there already. */
static inline void life_prepare(struct life *l)
{
    const int small = 4096;
    ws_message m;

    switch (l->state) {
    case WITHIN:
        assert_int_equal(ws_next_writer(l->c, WS_TEXT), 0);
        assert_int_equal(ws_write(l->c, "ha", 2), 0);
        assert_int_equal(ws_flush(l->c), 0);
        if (l->caller == READER)
            assert_int_equal(ws_read_message_by(l->c, &m, NOW, NULL),
                             WS_ERR_TIMEOUT);
        break;
    case BLOCKED:
        setsockopt(ws_fd(l->c), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        l->writer = mode_go(life_write_much, l);
        await(&l->c->w.waiting);
        break;
    case HELD:
        if (l->caller != FUNCTION)
            assert_int_equal(life_read(l), 0);
        assert_int_equal(ws_write_text(l->c, "a"), 0);
        assert_true(l->c->w.sendbuf && l->c->w.sendbuf->coalesced == 1);
        if (l->caller == HANDLER)
            assert_int_equal(life_read(l), 0);
        break;
    case CLOSING:
        if (l->caller != HANDLER && l->caller != FUNCTION)
            assert_int_equal(life_read(l), WS_ERR_CLOSED);
        break;
    case LINGERING:
        if (l->caller != HANDLER) {
            l->closed = true;
            ws_close(l->c);
        }
        break;
    case IDLE:
    case STATES:
        break;
    }
}

/* What the peer has said before, and says to have a handler called. */
static inline void life_say_before(struct life *l)
{
    uint8_t bytes[128];
    size_t n = 0;

    if (l->caller == FUNCTION && l->state != CLOSING)
        n += make_frame(bytes + n, FIN | WS_TEXT, true, "go", 2);
    if (l->state == WITHIN)
        n += make_frame(bytes + n, WS_TEXT, true, "he", 2);
    if (l->state == HELD && l->caller != FUNCTION)
        n += make_frame(bytes + n, FIN | WS_TEXT, true, "one", 3);
    if (l->state == HELD)
        n += make_frame(bytes + n, FIN | WS_TEXT, true, "two", 3);
    if (l->state == HELD && l->caller == HANDLER)
        n += make_frame(bytes + n, FIN | WS_PING, true, "", 0);
    if (l->state == CLOSING)
        n += make_frame(bytes + n, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    if (n > 0)
        say(l->raw, bytes, n);
}

/* ---- Who calls ---------------------------------------------------------- */

static inline void life_close(void *arg)
{
    struct life *l = arg;

    l->closed = true;
    ws_close(l->c);
}

/* Of pings, and of a close frame. */
static inline int life_handle(ws_conn *c, const char *data, size_t len,
                              void *arg)
{
    struct life *l = arg;

    (void)c, (void)data, (void)len;
    if (l->state == LINGERING)
        ws_join(mode_go(life_close, l));
    life_perform(l);
    return 0;
}

static inline int life_handle_close(ws_conn *c, int code, const char *reason,
                                    void *arg)
{
    (void)code;
    return life_handle(c, reason, 0, arg);
}

static inline void life_other(void *arg)
{
    struct life *l = arg;

    if (l->state < HELD)
        await(&l->c->r.waiting);
    while (l->state == CLOSING && ws__inbox_has_promised(l->c))
        ws_yield(); /* the answer, with the end: until the reader waits */
    life_perform(l);
}

/* What is held back goes before the fiber that reads lets another one of its
 * worker run: so this is another worker's. */
static inline ws_fiber *life_go(struct life *l)
{
    if (l->caller == THREAD)
        return ws__go_thread(life_other, l);
    if (l->state == HELD && !mode_is("threads"))
        return mode_go_elsewhere(life_other, l);
    return mode_go(life_other, l);
}

/* The reading fiber's part, from when the state is there. */
static inline void life_go_on(struct life *l)
{
    bool reads = l->caller != READER || l->call != READ;

    if (l->caller == READER)
        life_perform(l);
    if (l->caller == FIBER || l->caller == THREAD)
        l->other = life_go(l);
    while (l->other && l->state == HELD && !ws_event_is_set(&l->performed))
        sched_yield();
    if (l->other && l->state > HELD)
        life_wait(&l->performed);
    l->read = reads ? life_read(l) : l->returned;
    ws_join(l->other);
    if (l->state == WITHIN)
        l->written = ws_end_message(l->c);
    ws_join(l->writer);
}

static inline void life_reader(void *arg)
{
    struct life *l = arg;

    l->c = ws_ref(ws_ref(adopt(l->fd, NULL)));
    if (l->caller == HANDLER && l->state == CLOSING)
        ws_set_close_handler(l->c, life_handle_close, l);
    else if (l->caller == HANDLER)
        ws_set_ping_handler(l->c, life_handle, l);
    life_prepare(l);
    ws_event_set(&l->ready);
    life_go_on(l);
    if (!l->closed)
        ws_close(l->c);
    ws_unref(l->c);
    ws_event_set(&l->over);
}

/* ---- A function of ws_on_message ---------------------------------------- */

static inline void life_function_go(struct life *l)
{
    life_prepare(l);
    ws_event_set(&l->ready);
    life_perform(l);
    if (l->state == WITHIN)
        l->written = ws_end_message(l->c);
    ws_join(l->writer);
    ws_write_text(l->c, "over");
}

static inline void life_function(ws_conn *c, ws_message *m, void *arg)
{
    struct life *l = arg;

    if (m && strcmp(m->data, "go") == 0)
        life_function_go(l);
    if (m)
        return;
    if (l->state == CLOSING) {
        ws_event_set(&l->ready);
        life_perform(l);
    }
    l->read = ws_conn_error(c)->code;
    ws_event_set(&l->over);
}

static inline void life_serve(ws_request *r, void *arg)
{
    struct life *l = arg;

    l->c = ws_ref(ws_upgrade(NULL, r, NULL));
    assert_non_null(l->c);
    assert_int_equal(ws_on_message(l->c, life_function, l), 0);
}

static inline void life_listen(struct life *l)
{
    ws_server s = { .addr = "none", .routes = l->routes };
    ws_error err;

    l->routes[0] = (ws_route){ .path = "/", .handler = life_serve, .arg = l };
    mode_set(&s);
    l->l = ws_listen(&s, &err);
    if (!l->l)
        fail_msg("%s", err.text);
    assert_int_equal(ws_listener_serve_fd(l->l, l->fd, "peer"), 0);
}

static inline void life_upgrade(struct life *l)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char head[512] = "";

    life_listen(l);
    say(l->raw, request, sizeof(request) - 1);
    for (size_t n = 0; !strstr(head, "\r\n\r\n"); n++)
        assert_true(n < sizeof(head) - 1 && hear_n(l->raw, head + n, 1));
}

/* ---- The peer ----------------------------------------------------------- */

/* It may be gone. */
static inline void life_say(struct life *l, uint8_t first, const char *text)
{
    uint8_t bytes[64];
    size_t n = make_frame(bytes, first, true, text, strlen(text));

    (void)!send(l->raw, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What has others come to their end. */
static inline void life_say_after(struct life *l)
{
    if (l->state == WITHIN)
        life_say(l, FIN, "llo");
    else if (l->state < CLOSING)
        life_say(l, FIN | WS_TEXT, "m");
}

static inline const char *life_name(const struct heard *h)
{
    static char closes[16];
    int code = h->f.len >= 2 ? (int)load_be((uint8_t *)h->payload, 2) : 1005;

    switch (h->f.opcode) {
    case WS_TEXT:
        return h->f.fin ? h->payload : "half";
    case WS_BINARY:
        return "much";
    case WS_PING:
        return "ping";
    case WS_PONG:
        return "pong";
    case WS_CLOSE:
        snprintf(closes, sizeof(closes), "close %d", code);
        return closes;
    default:
        return "rest";
    }
}

/* A function of ws_on_message says when it is over, and is left. */
static inline bool life_leaves(struct life *l, const struct heard *h)
{
    bool over = l->caller == FUNCTION && strcmp(h->payload, "over") == 0;

    if (over)
        life_say(l, FIN | WS_CLOSE, "\x03\xe8");
    return over;
}

static inline void life_hear(struct life *l)
{
    struct heard h = { 0 };
    bool left = false;
    size_t n = 0;

    while (hear_frame(l->raw, &h)) {
        if (!left && life_leaves(l, &h))
            left = true;
        else if (!left)
            n += (size_t)snprintf(l->heard + n, sizeof(l->heard) - n, "%s%s",
                                  n > 0 ? ", " : "", life_name(&h));
        free(h.payload);
        h = (struct heard){ 0 };
    }
    if (h.payload) /* a frame that has no end */
        snprintf(l->heard + n, sizeof(l->heard) - n, "%spart",
                 n > 0 ? ", " : "");
    free(h.payload);
}

/* ---- All of it ---------------------------------------------------------- */

/* A read waits for what the peer says after it. */
static inline void life_meet(struct life *l)
{
    bool waits = l->call == READ && l->state < HELD &&
                 (l->caller == READER || l->caller == FUNCTION);

    life_wait(&l->ready);
    if (l->caller == HANDLER && l->state != HELD && l->state != CLOSING)
        life_say(l, FIN | WS_PING, "");
    if (!waits)
        life_wait(&l->performed);
    life_say_after(l);
    life_hear(l);
}

/* Of all references to the connection one is left, which is the test's. */
static inline void life_let_go(struct life *l)
{
    int64_t limit = patience();

    while (atomic_load(&l->c->refs) > 1) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
    }
    ws_unref(l->c);
}

static inline void life_play(struct life *l)
{
    ws_fiber *reader = NULL;
    int fds[2];

    make_pair(fds);
    l->fd = fds[0];
    l->raw = fds[1];
    if (l->caller == FUNCTION)
        life_upgrade(l);
    life_say_before(l);
    if (l->caller != FUNCTION)
        reader = mode_go(life_reader, l);
    life_meet(l);
    close(l->raw);
    life_wait(&l->over);
    ws_join(reader);
    if (l->l)
        assert_int_equal(ws_listener_shutdown(l->l, patience()), 0);
    life_let_go(l);
}

#endif
