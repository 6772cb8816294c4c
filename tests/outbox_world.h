/* SPDX-License-Identifier: MIT */

#ifndef TESTS_OUTBOX_WORLD_H
#define TESTS_OUTBOX_WORLD_H

/*
 * The outbox in a world of its own: conn/outbox, conn/control_queue, conn/outqueue,
 * conn/enqueue, conn/drain, conn/message_lock, conn/end and conn/turn as they are,
 * over a socket, locks and a parking lot whose every step is a point (see
 * explore.h).
 */

#include "explore.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "conn/outbox.h"
#include "conn/prepared.h"

/* A lock that holds up a thread is a point like the others: its first byte. */
static void world_lock(pthread_mutex_t *m);
static void world_unlock(pthread_mutex_t *m);
#define pthread_mutex_lock(m) world_lock(m)
#define pthread_mutex_unlock(m) world_unlock(m)
#define pthread_mutex_init(m, a) ((void)(m))
#define pthread_mutex_destroy(m) ((void)(m))

#include "io/wait.c"
#include "conn/control_queue.c"
#include "conn/drain.c"
#include "conn/end.c"
#include "conn/enqueue.c"
#include "conn/message_lock.c"
#include "conn/outbox.c"
#include "conn/outqueue.c"
#include "conn/turn.c"

enum {
    ROOM = 10,      /* bytes that the socket takes before it is full */
    MESSAGE = ROOM, /* bytes of one: a full socket, and no more */
    ANSWER = 2,     /* of a ping, or a pong without payload */
    BUFFER = 4096,
    FOR_EVER = 1000, /* bytes */
};

static struct {
    ws_conn conn;
    struct ws__extras extras;
    struct ws__sendbuf sendbuf;
    uint8_t bytes[BUFFER];

    size_t sent;  /* all that the socket took */
    size_t taken; /* of that by the peer */
    bool broken;
    bool mixed; /* something went within a message in pieces */
    int input;  /* things to read */
    bool edges;
    bool no_space; /* so its end is an edge */
    int happened;

    struct ws__waiter *queue[EXPLORE_ACTORS];
    bool lot_locked;
    bool token[EXPLORE_ACTORS];
    struct ws__parker parkers[EXPLORE_ACTORS];
} world;

/* Faults that once were there: who leaves something does not wake a reader that
 * waits for input alone, and who ends the connection not those who wait for a
 * turn. */
static struct {
    bool reader_sleeps;
    bool turns_sleep;
} faults;

/* A message by reference: of MESSAGE bytes as it goes out, never compressed. */
static _Alignas(struct ws__form) uint8_t
    world_form[sizeof(struct ws__form) + MESSAGE];
static ws_prepared world_message = { .type = WS_TEXT };

/* Outside of the schedule, so without a point. */
static void world_outqueue_free(void)
{
    struct ws__outqueue *q;

    memcpy(&q, (void *)&world.conn.w.outqueue, sizeof(q));
    if (q)
        ws_free(q->ring);
    ws_free(q);
}

static void world_message_begin(void)
{
    struct ws__form *f = (struct ws__form *)world_form;

    *f = (struct ws__form){ .header = ANSWER, .len = MESSAGE - ANSWER };
    world_message.plain = f;
}

static void world_begin(bool edges)
{
    world_message_begin();
    ws_free(world.conn.w.control_queue);
    world_outqueue_free();
    memset(&world, 0, sizeof(world));
    world.conn.extras = &world.extras;
    world.conn.stream.read_events = POLLIN;
    world.conn.stream.write_events = POLLOUT;
    world.edges = edges;
}

/* ---- The socket --------------------------------------------------------- */

static size_t socket_room(void)
{
    return ROOM - (world.sent - world.taken);
}

static bool has_room(void *arg)
{
    (void)arg;
    return world.broken || socket_room() > 0;
}

static void happen(int events)
{
    if (world.edges)
        world.happened |= events;
}

/* Returns how many of n bytes, or -EAGAIN. */
static ssize_t socket_send(size_t n)
{
    explore_point();
    if (world.broken)
        return -EPIPE;
    if (n > socket_room())
        n = socket_room();
    world.no_space = n == 0;
    world.sent += n;
    return n > 0 ? (ssize_t)n : -EAGAIN;
}

static void peer_takes_all(void)
{
    explore_point();
    world.taken = world.sent;
    if (world.no_space)
        happen(POLLOUT);
    world.no_space = false;
}

static void peer_says_something(void)
{
    explore_point();
    world.input++;
    happen(POLLIN);
}

void ws__stream_break(struct ws__stream *s)
{
    (void)s;
    explore_point();
    world.broken = true;
    happen(POLLIN | POLLOUT | POLLHUP);
}

static int level(void)
{
    int events = 0;

    if (world.broken)
        return POLLIN | POLLOUT | POLLHUP;
    events |= world.input > 0 ? POLLIN : 0;
    events |= socket_room() > 0 ? POLLOUT : 0;
    return events;
}

struct poll {
    int events;
    bool token; /* ends it, too */
};

static bool poll_ends(void *poll)
{
    const struct poll *p = poll;
    int now = world.edges ? world.happened : level();

    return (now & (p->events | POLLHUP)) ||
           (p->token && world.token[explore.current]);
}

/* explore_await asks on behalf of another one, too. */
struct mine {
    struct poll poll;
    int actor;
};

static bool mine_ends(void *mine)
{
    struct mine *m = mine;
    int current = explore.current;

    explore.current = m->actor;
    bool ends = poll_ends(&m->poll);
    explore.current = current;
    return ends;
}

int ws__park_fd(int fd, struct ws__watch *watch, int events, int64_t deadline,
                bool alone)
{
    struct mine m = { { events, !alone }, explore.current };

    (void)fd, (void)watch, (void)deadline;
    explore_await(mine_ends, &m);
    if (!alone && world.token[m.actor]) {
        world.token[m.actor] = false;
        return 0;
    }
    int got = (world.edges ? world.happened : level()) & (events | POLLHUP);
    world.happened &= ~got;
    return got;
}

int ws__stream_wait(struct ws__stream *s, int events, int64_t deadline)
{
    return ws__wait_watched(s->fd, s->watch, events, deadline, NULL);
}

int ws__stream_wait_while(struct ws__stream *s, int events, int64_t deadline,
                          const struct ws__wait_key *keys, int n)
{
    return ws__wait_while(s->fd, s->watch, events, deadline, keys, n);
}

bool ws__stream_has_edges(const struct ws__stream *s)
{
    (void)s;
    return world.edges;
}

int ws__watch_take(struct ws__watch *w, int events)
{
    (void)w;
    return world.happened & events;
}

/* ---- The buffer --------------------------------------------------------- */

int ws__sendbuf_borrow(ws_conn *c)
{
    if (!c->w.sendbuf) {
        struct ws__buf *b = &world.sendbuf.buf;
        b->begin = b->pos = b->last = world.bytes;
        b->end = world.bytes + BUFFER;
        c->w.sendbuf = &world.sendbuf;
    }
    return 0;
}

void ws__sendbuf_give_back(ws_conn *c)
{
    world.sendbuf.coalesced = 0;
    c->w.sendbuf = NULL;
}

int ws__sendbuf_make_header(ws_conn *c, struct ws__frame *f)
{
    (void)c, (void)f;
    return 0;
}

void ws__sendbuf_header(struct ws__buf *out, const struct ws__frame *f)
{
    (void)f;
    out->last += ANSWER;
}

void ws__sendbuf_payload(struct ws__buf *out, const struct ws__frame *f,
                         const void *data)
{
    (void)data;
    out->last += f->len;
}

void ws__sendbuf_frame(struct ws__buf *out, const struct ws__frame *f,
                       const void *data)
{
    ws__sendbuf_header(out, f);
    ws__sendbuf_payload(out, f, data);
}

int ws__sendbuf_grow(ws_conn *c, size_t n)
{
    (void)c, (void)n;
    return -ENOMEM;
}

int ws__write_settle(ws_conn *c, int error)
{
    if (error == 0)
        return 0;
    atomic_store(&c->w.error, ws__conn_ended(c) ? WS_ERR_CANCELED : error);
    ws__sendbuf_give_back(c);
    return c->w.error;
}

/* Here nothing fails but what somebody has ended. */
int ws__write_settle_untold(ws_conn *c, int error)
{
    return ws__write_settle(c, error);
}

void ws__write_tell(ws_conn *c)
{
    (void)c;
}

static int send_some(ws_conn *c)
{
    ssize_t n = socket_send(ws__sendbuf_pending(c));

    if (n > 0)
        c->w.sendbuf->buf.pos += n;
    return n > 0 ? 0 : (int)n;
}

int ws__send_try(ws_conn *c)
{
    int error = atomic_load(&c->w.error);

    if (error != 0) {
        ws__sendbuf_give_back(c);
        return error;
    }
    world.sendbuf.coalesced = 0;
    while (error == 0 && ws__sendbuf_pending(c) > 0)
        error = send_some(c);
    return error == -EAGAIN ? error : ws__write_settle(c, error);
}

static int wait_for_room(ws_conn *c)
{
    int error = WS_ERR_CANCELED;

    if (ws__wait_begins(c, &c->w.waiting)) {
        explore_await(has_room, NULL);
        error = 0;
    }
    ws__wait_ends(&c->w.waiting);
    return error;
}

int ws__send_pending(ws_conn *c, int64_t deadline)
{
    int error = 0;

    (void)deadline;
    world.sendbuf.coalesced = 0;
    while (error == 0 && ws__sendbuf_pending(c) > 0) {
        error = send_some(c);
        if (error == -EAGAIN)
            error = wait_for_room(c);
    }
    return error;
}

/* ---- Messages by reference ---------------------------------------------- */

void ws_prepared_free(ws_prepared *p)
{
    (void)p;
}

const struct ws__form *ws__prepared_compressed(ws_prepared *p, ws_conn *c,
                                               int level)
{
    (void)p, (void)c, (void)level;
    return NULL;
}

bool ws__compressor_wanted(const ws_conn *c)
{
    (void)c;
    return false;
}

bool ws__compressor_keeps(const ws_conn *c)
{
    (void)c;
    return false;
}

struct ws__deflate *ws__compressor_get(ws_conn *c)
{
    (void)c;
    return NULL;
}

void ws__compressor_put(ws_conn *c, struct ws__deflate *d)
{
    (void)c, (void)d;
}

int ws__compressor_run(struct ws__compression k)
{
    return k.error;
}

struct ws__pools *ws__pools_find(void)
{
    return NULL;
}

void ws__count_sent(const ws_conn *c, uint64_t n, uint64_t bytes,
                    uint64_t compressed)
{
    (void)c, (void)n, (void)bytes, (void)compressed;
}

/* They are a thread's: no worker has any of them. */
struct ws__worker *ws__watch_worker(const struct ws__watch *w)
{
    (void)w;
    return NULL;
}

bool ws__watch_calls(const struct ws__watch *w)
{
    (void)w;
    return true;
}

void ws__watch_call(struct ws__watch *w, struct ws__callee *c)
{
    (void)w, (void)c;
}

void ws__watch_stir(struct ws__watch *w, int events)
{
    (void)w, (void)events;
}

bool ws__worker_post(struct ws__worker *w, struct ws__post *p)
{
    (void)w, (void)p;
    return false;
}

_Thread_local struct ws__worker *ws__here;

/* Whoever reads sends what is left. */
ws_fiber *ws_go(void (*fn)(void *arg), void *arg)
{
    (void)fn, (void)arg;
    return NULL;
}

void ws_detach(ws_fiber *f)
{
    (void)f;
}

int ws__stream_wait_progress(struct ws__stream *s, int64_t deadline,
                             int limit_ms)
{
    (void)s, (void)deadline, (void)limit_ms;
    return WS_ERR_CANCELED;
}

ws_conn *ws_ref(ws_conn *c)
{
    return c;
}

void ws_unref(ws_conn *c)
{
    (void)c;
}

int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...)
{
    (void)c, (void)fmt;
    return code;
}

const char *ws_strerror(int code)
{
    (void)code;
    return "";
}

int ws__close_answer_check(ws_conn *c)
{
    (void)c;
    return WS_ERR_CLOSE_SENT;
}

/* ---- Locks and the lot -------------------------------------------------- */

static bool is_free(void *l)
{
    return ((struct ws__lock *)l)->state == 0;
}

bool ws__trylock(struct ws__lock *l)
{
    explore_point();
    bool taken = l->state == 0;
    if (taken)
        l->state = 1;
    return taken;
}

int ws__lock_until(struct ws__lock *l, int64_t deadline)
{
    (void)deadline;
    while (!ws__trylock(l))
        explore_await(is_free, l);
    return 0;
}

void ws__lock_briefly(struct ws__lock *l)
{
    ws__lock_until(l, 0);
}

void ws__unlock(struct ws__lock *l)
{
    explore_point();
    l->state = 0;
}

bool ws__lock_contend(struct ws__lock *l)
{
    explore_point();
    bool taken = l->state == 0;
    l->state = 2;
    return taken;
}

bool ws__lock_is_taken(const struct ws__lock *l)
{
    explore_point();
    return l->state != 0;
}

bool ws__lock_is_contended(const struct ws__lock *l)
{
    explore_point();
    return l->state == 2;
}

bool ws__lock_let_go(struct ws__lock *l)
{
    explore_point();
    bool contended = l->state == 2;
    l->state = 0;
    return contended;
}

static bool mutex_is_free(void *m)
{
    return *(char *)m == 0;
}

static void world_lock(pthread_mutex_t *m)
{
    explore_point();
    while (!mutex_is_free(m))
        explore_await(mutex_is_free, m);
    *(char *)m = 1;
}

static void world_unlock(pthread_mutex_t *m)
{
    explore_point();
    *(char *)m = 0;
}

static bool lot_is_free(void *arg)
{
    (void)arg;
    return !world.lot_locked;
}

static void lot_lock(void)
{
    explore_point();
    while (world.lot_locked)
        explore_await(lot_is_free, NULL);
    world.lot_locked = true;
}

static void lot_unlock(void)
{
    world.lot_locked = false;
    explore_point();
}

bool ws__lot_enter(struct ws__waiter *w, const void *key,
                   bool (*still)(const void *key))
{
    lot_lock();
    *w = (struct ws__waiter){ .key = key,
                              .parker = &world.parkers[explore.current],
                              .queued = still(key) };
    if (w->queued)
        world.queue[explore.current] = w;
    bool queued = w->queued;
    lot_unlock();
    return queued;
}

bool ws__lot_leave(struct ws__waiter *w)
{
    lot_lock();
    bool queued = w->queued;
    if (queued)
        world.queue[w->parker - world.parkers] = NULL;
    lot_unlock();
    return queued;
}

void ws__lot_wake(void *key, void (*change)(void *key), bool all)
{
    bool deaf = (faults.reader_sleeps && key == &world.conn.w.unsent) ||
                (faults.turns_sleep && all && key == &world.conn.end);

    (void)change;
    lot_lock();
    for (int i = 0; i < EXPLORE_ACTORS && !deaf; i++) {
        struct ws__waiter *w = world.queue[i];
        if (!w || w->key != key)
            continue;
        world.queue[i] = NULL;
        w->queued = false;
        world.token[i] = true;
        if (!all)
            break;
    }
    lot_unlock();
}

struct parked {
    int actor;
};

static bool has_token(void *parked)
{
    return world.token[((struct parked *)parked)->actor];
}

int ws__park(int64_t deadline)
{
    struct parked p = { explore.current };

    (void)deadline;
    explore_await(has_token, &p);
    world.token[p.actor] = false;
    return 0;
}

_Thread_local struct ws__parker *ws__running;

struct ws__parker *ws__parker_of_thread(void)
{
    return &world.parkers[explore.current];
}

struct ws__before *ws__before_park_put_off(void)
{
    return NULL;
}

void ws__before_park_take_up(struct ws__before *due)
{
    (void)due;
}

int ws__stream_unacked(const struct ws__stream *s)
{
    (void)s;
    return 0;
}

bool ws_event_is_set(const ws_event *e)
{
    (void)e;
    return false;
}

bool ws__event_is_unset(const void *e)
{
    (void)e;
    return true;
}

struct ws__extras *ws__extras_own(ws_conn *c)
{
    (void)c;
    return &world.extras;
}

const struct ws__extras ws__usual[2];

_Thread_local void *ws__local; /* nothing is counted here */

/* ---- Who is there ------------------------------------------------------- */

/* Nothing is counted here. */
void ws__stats_add_outside(struct ws__stats_group *g, enum ws_counter what,
                           uint64_t n)
{
    (void)g;
    (void)what;
    (void)n;
}

/* A message of n bytes, as conn/write_frame sends it. */
static int world_write(size_t n)
{
    ws_conn *c = &world.conn;
    int error = ws__write_error(c);

    if (error == 0)
        error = ws__outbox_lock(c, 0);
    if (error != 0)
        return error;
    error = ws__write_error(c);
    if (error == 0) {
        ws__sendbuf_borrow(c);
        ws__control_queue_append(c);
        c->w.sendbuf->buf.last += n;
        error = ws__write_settle(c, ws__send_pending(c, 0));
    }
    ws__outbox_unlock(c);
    return error;
}

/* A message by reference, as conn/enqueue hands it over. */
static void world_hand_over(void)
{
    ws_conn *c = &world.conn;
    struct ws__outqueue_counts n = { 0 };

    if (ws__write_error(c) == 0 &&
        ws__outqueue_put(c, &world_message, NULL, &n) == 0)
        ws__outbox_send(c);
}

/* Read until the connection ends or there were n things to read.  Each is a
 * ping. */
static int world_read(int n)
{
    ws_conn *c = &world.conn;

    while (n > 0) {
        int got = ws__outbox_await(c, 0, NULL);
        if (got < 0)
            return got;
        if (world.broken)
            return -EPIPE;
        for (; world.input > 0 && n > 0; n--) {
            world.input--;
            ws__outbox_pong(c, "", 0);
        }
    }
    return 0;
}

/* The peer has got so many bytes, by taking all it can get. */
static bool peer_can_take(void *arg)
{
    (void)arg;
    return world.sent > world.taken;
}

static void peer_takes(size_t n)
{
    while (world.taken < n) {
        explore_await(peer_can_take, NULL);
        peer_takes_all();
    }
}

#endif
