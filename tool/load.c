/* SPDX-License-Identifier: MIT */

#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

enum {
    DIALERS = 64, /* dials at a time, of one thread */
    LEAVE_MS = 2000,
    DIGITS = 16, /* of a number in front of a message */
    DUES = 1 << 20,
    SECOND = 1000000000,
};

/* When what is under way was due, the oldest first. */
struct load_conn {
    struct load_worker *worker;
    ws_conn *conn;
    int64_t *due;
    uint32_t head, tail; /* count on; used modulo size */
    uint32_t size;       /* a power of two */
};

int64_t load_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* ---- What is under way -------------------------------------------------- */

static void due_grow(struct load_conn *k)
{
    uint32_t size = k->size ? 2 * k->size : 4;
    int64_t *due = memory_resize(NULL, size * sizeof(*due));

    for (uint32_t i = k->head; i != k->tail; i++)
        due[i & (size - 1)] = k->due[i & (k->size - 1)];
    free(k->due);
    k->due = due;
    k->size = size;
}

static void due_put(struct load_conn *k, int64_t at)
{
    if (k->tail - k->head == k->size)
        due_grow(k);
    k->due[k->tail++ & (k->size - 1)] = at;
}

/* Of the message that has come; -1 for one that nobody has sent. */
static int64_t due_take(struct load_conn *k)
{
    return k->head == k->tail ? -1 : k->due[k->head++ & (k->size - 1)];
}

/* ---- Sending ------------------------------------------------------------ */

static ws_type load_type(const struct load *l)
{
    return l->binary ? WS_BINARY : WS_TEXT;
}

/* Words, so that there is something to compress, as in most messages. */
static char *load_payload(size_t size)
{
    static const char words[] = "order status pending filled symbol price "
                                "quantity timestamp account update ";
    char *payload = memory_resize(NULL, size + 1);

    for (size_t i = 0; i < size; i++)
        payload[i] = words[i % (sizeof(words) - 1)];
    payload[size] = '\0';
    return payload;
}

/* One with its number. */
static int send_numbered(struct load_conn *k, int64_t due)
{
    struct load *l = k->worker->load;
    int64_t number = k->worker->published++;

    l->due[number % DUES] = due;
    snprintf(l->payload, DIGITS + 1, "%0*lld", DIGITS, (long long)number);
    if (l->size > DIGITS)
        l->payload[DIGITS] = ' ';
    ws_prepared *message = ws_prepare(load_type(l), l->payload, l->size);
    int r = ws_enqueue(k->conn, message);
    ws_prepared_free(message);
    return r;
}

static int send_due(struct load_conn *k, int64_t due)
{
    if (k->worker->load->fanout)
        return send_numbered(k, due);
    due_put(k, due);
    return ws_enqueue(k->conn, k->worker->load->message);
}

/* Whether this one sends: with fanout the first one alone. */
static bool is_sender(const struct load_conn *k)
{
    const struct load_worker *w = k->worker;

    return !w->load->fanout || (w->index == 0 && k == w->conns);
}

/* ---- Receiving ---------------------------------------------------------- */

static int64_t due_of(struct load_conn *k, const ws_message *m)
{
    const struct load *l = k->worker->load;

    if (!l->fanout)
        return due_take(k);
    if (m->len < DIGITS)
        return -1;
    char digits[DIGITS + 1] = { 0 };
    memcpy(digits, m->data, DIGITS);
    return l->due[strtoull(digits, NULL, 10) % DUES];
}

static void load_received(struct load_conn *k, const ws_message *m)
{
    struct load_worker *w = k->worker;
    int64_t now = load_clock();
    int64_t due = due_of(k, m);

    atomic_fetch_add_explicit(&w->received, 1, memory_order_relaxed);
    if (due < 0 || !w->load->measuring)
        return;
    atomic_fetch_add_explicit(&w->measured, 1, memory_order_relaxed);
    histogram_add(&w->latency, now - due);
}

static int load_fill(struct load_conn *k)
{
    int r = 0;

    for (int i = 0; i < k->worker->load->pipeline && r == 0; i++)
        r = send_due(k, load_clock());
    return r;
}

/* Returns why it has ended: WS_ERR_INTERRUPTED when we want it to. */
static int load_exchange(struct load_conn *k)
{
    struct load *l = k->worker->load;
    bool sends = l->rate == 0 && is_sender(k);
    int r = sends ? load_fill(k) : 0;
    ws_message m;

    while (r == 0 && (r = ws_read_message_by(k->conn, &m, 0, &l->stop)) == 0) {
        load_received(k, &m);
        if (sends)
            r = send_due(k, load_clock());
    }
    return r;
}

/* ---- Connections -------------------------------------------------------- */

/* The schedule is ours to keep: what a slow server does not take waits, and its
 * waiting is what is measured. */
static const ws_queue_options load_queue = {
    .max_messages = 1 << 24,
    .max_bytes = (size_t)1 << 40,
};

static void load_converse(void *arg)
{
    struct load_conn *k = arg;
    struct load_worker *w = k->worker;
    int r = WS_ERR_INTERRUPTED;

    ws_set_queue(k->conn, &load_queue);
    ws_wait_any(-1, 0, 0, &w->load->go, &w->load->stop);
    if (!ws_event_is_set(&w->load->stop))
        r = load_exchange(k);
    if (r == WS_ERR_INTERRUPTED)
        ws_finish(k->conn, WS_CLOSE_NORMAL, NULL, ws_after(LEAVE_MS));
    else
        atomic_fetch_add(&w->lost, 1);
    ws_close(k->conn);
    k->conn = NULL;
    w->running--;
}

static void load_failed(struct load_worker *w, const ws_error *err)
{
    if (atomic_fetch_add(&w->failed, 1) == 0)
        w->load->error[w->index] = *err;
    w->running--;
}

static void load_dial(struct load_conn *k)
{
    struct load_worker *w = k->worker;
    const struct client *client = w->load->client;
    int64_t start = load_clock();
    ws_error err;

    k->conn =
        ws_dial(&client->dialer, client->url, client->headers, NULL, &err);
    if (!k->conn) {
        load_failed(w, &err);
        return;
    }
    histogram_add(&w->handshake, load_clock() - start);
    atomic_fetch_add(&w->opened, 1);
    ws_detach(ws_go(load_converse, k));
}

static void load_dialer(void *arg)
{
    struct load_worker *w = arg;

    while (w->next < w->n)
        load_dial(&w->conns[w->next++]);
}

/* ---- The schedule ------------------------------------------------------- */

/* Of this thread's messages, the first behind those of other threads. */
static int64_t schedule_at(const struct load_worker *w, int64_t i)
{
    const struct load *l = w->load;
    double each = l->fanout ? 1 : (double)l->connections / w->n;
    double offset = (double)w->index / l->threads;

    return l->start_ns +
           (int64_t)(((double)i + offset) * each * SECOND / l->rate);
}

/* Returns whether it has come, and not the end. */
static bool schedule_wait(const struct load_worker *w, int timer, int64_t at)
{
    struct itimerspec when = {
        .it_value = { .tv_sec = at / SECOND, .tv_nsec = at % SECOND },
    };

    if (at > load_clock()) {
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        ws_wait_any(timer, POLLIN, 0, &w->load->stop, NULL);
    } else {
        ws_yield();
    }
    return !ws_event_is_set(&w->load->stop);
}

static void load_schedule(void *arg)
{
    struct load_worker *w = arg;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int64_t i = 0;

    ws_wait_any(-1, 0, 0, &w->load->go, &w->load->stop);
    while (schedule_wait(w, timer, schedule_at(w, i))) {
        for (int64_t now = load_clock(), at; (at = schedule_at(w, i)) <= now;
             i++) {
            struct load_conn *k = &w->conns[w->load->fanout ? 0 : i % w->n];

            if (k->conn)
                send_due(k, at);
        }
    }
    close(timer);
}

static bool has_schedule(const struct load_worker *w)
{
    return w->load->rate > 0 && w->n > 0 && (!w->load->fanout || w->index == 0);
}

/* ---- Threads ------------------------------------------------------------ */

static void load_worker_run(void *arg)
{
    struct load_worker *w = arg;

    for (int i = 0; i < DIALERS && i < w->n; i++)
        ws_detach(ws_go(load_dialer, w));
    if (has_schedule(w))
        load_schedule(w);
}

static void load_thread(void *arg)
{
    ws_run(load_worker_run, arg);
}

static void load_worker_begin(struct load *l, int index)
{
    struct load_worker *w = &l->workers[index];

    w->load = l;
    w->index = index;
    w->n = l->connections / l->threads + (index < l->connections % l->threads);
    w->running = w->n;
    w->conns = memory_zeroed((size_t)w->n * sizeof(*w->conns));
    for (int i = 0; i < w->n; i++)
        w->conns[i].worker = w;
    w->thread = ws_go(load_thread, w);
}

void load_begin(struct load *l)
{
    l->payload = load_payload(l->size);
    l->message = ws_prepare(load_type(l), l->payload, l->size);
    l->workers = memory_zeroed((size_t)l->threads * sizeof(*l->workers));
    l->error = memory_zeroed((size_t)l->threads * sizeof(*l->error));
    if (l->fanout)
        l->due = memory_zeroed(DUES * sizeof(*l->due));
    for (int i = 0; i < l->threads; i++)
        load_worker_begin(l, i);
}

struct load_counts load_count(const struct load *l)
{
    struct load_counts all = { 0 };

    for (int i = 0; i < l->threads; i++) {
        const struct load_worker *w = &l->workers[i];

        all.opened += w->opened;
        all.failed += w->failed;
        all.lost += w->lost;
        all.received += w->received;
        all.measured += w->measured;
    }
    return all;
}

void load_end(struct load *l)
{
    for (int i = 0; i < l->threads; i++)
        ws_join(l->workers[i].thread);
}

void load_free(struct load *l)
{
    for (int i = 0; i < l->threads; i++) {
        struct load_worker *w = &l->workers[i];

        for (int k = 0; k < w->n; k++)
            free(w->conns[k].due);
        free(w->conns);
    }
    ws_prepared_free(l->message);
    free(l->payload);
    free(l->workers);
    free(l->error);
    free(l->due);
}
