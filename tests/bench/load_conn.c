/* SPDX-License-Identifier: MIT */

#include "load_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/epoll.h>

#include "figures.h"
#include "load_cast.h"
#include "load_masked.h"
#include "load_request.h"
#include "load_wire.h"

enum { EVENTS = 512, BUFFER = 256 * 1024, LARGE = 16 * 1024, HEAD = 10 };

struct conn_count conn_count;

static const struct load_options *options;
static struct frames frames;
static struct conn *conns;
static uint8_t *buffer;
static int epoll_fd;
static char request[LOAD_REQUEST];

void conns_setup(const struct load_options *o)
{
    char host[32];

    options = o;
    frames_init(&frames, o);
    answers_setup(&frames, o);
    cast_setup(o);
    wire_setup(o);
    masked_setup(&frames, o);
    buffer = load_alloc(BUFFER);
    snprintf(host, sizeof(host), "127.0.0.1:%d", o->port);
    load_request(request, "/", host, o->deflate);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        load_fail("epoll_create1: %s", strerror(errno));

    conns = load_alloc(o->connections * sizeof(*conns));
    for (size_t i = 0; i < o->connections; i++) {
        conns[i].sent = load_alloc(o->depth * sizeof(*conns[i].sent));
        answers_init(&conns[i].in);
    }
}

void conns_teardown(void)
{
    for (size_t i = 0; i < options->connections; i++) {
        conn_drop(&conns[i]);
        free(conns[i].sent);
        free(conns[i].rest);
        answers_fini(&conns[i].in);
    }
    free(conns);
    free(buffer);
    close(epoll_fd);
    wire_teardown();
    masked_teardown();
    cast_teardown();
    answers_teardown();
    frames_fini(&frames);
}

struct conn *conn_at(size_t i)
{
    return &conns[i];
}

/* A few bytes on a fresh connection always find room. */
static void put_all(struct conn *c, const void *p, size_t n)
{
    if (wire_put(c, p, n) != (ssize_t)n)
        load_fail("expected room for %zu bytes on a new connection", n);
}

static void send_queued(struct conn *c)
{
    if (options->client) {
        masked_flush(c);
        return;
    }
    while (c->tx_left > 0) {
        ssize_t n = wire_put(c, frames.wire + c->tx_at, c->tx_left);

        c->blocked = n == WIRE_LATER;
        if (c->blocked)
            return;
        c->tx_left -= (size_t)n;
        c->tx_at += (size_t)n;
        if (c->tx_at >= frames_ring(&frames))
            c->tx_at -= frames_ring(&frames);
    }
}

static void queue(struct conn *c, size_t messages)
{
    size_t last = c->tx_slot + messages;

    if (options->client) {
        masked_queue(c, messages);
        return;
    }
    c->tx_left += frames.begin[last] - frames.begin[c->tx_slot];
    c->tx_slot = last < frames.slots ? last : last - frames.slots;
    if (!c->blocked)
        send_queued(c);
}

static void expect(struct conn *c, size_t messages)
{
    uint64_t now = figures_now();

    for (size_t i = 0; i < messages; i++) {
        size_t at = c->oldest + c->under_way++;

        c->sent[at < options->depth ? at : at - options->depth] = now;
    }
}

void conn_ping(struct conn *c)
{
    static const uint8_t frame[] = { 0x89, 0x80, 1, 2, 3, 4 };

    put_all(c, frame, sizeof(frame));
    c->pinged = true;
    conn_count.pinged++;
}

void conn_submit(struct conn *c, size_t messages)
{
    if (options->mode == LOAD_CAST)
        cast_sent(messages);
    else
        expect(c, messages);
    queue(c, messages);
}

void conn_drop(struct conn *c)
{
    if (c->state == CONN_UNUSED)
        return;
    if (c->state >= CONN_OPEN)
        conn_count.open--;
    wire_drop(c);
    c->state = CONN_UNUSED;
}

void conn_start(struct conn *c)
{
    struct epoll_event e = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = c,
    };
    size_t slot =
        options->mode == LOAD_CAST ? 0 : (size_t)(c - conns) % frames.slots;

    /* What is allocated stays; all else begins anew. */
    *c = (struct conn){
        .state = CONN_CONNECTING,
        .in = { .kept = c->in.kept, .slot = slot },
        .sent = c->sent,
        .tx_slot = slot,
        .tx_at = frames.begin[slot],
        .born = figures_now(),
    };
    wire_connect(c, options->port);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0)
        load_fail("epoll_ctl: %s", strerror(errno));
}

static void upgrade(struct conn *c)
{
    put_all(c, request, strlen(request));
    c->state = CONN_UPGRADING;
}

static void on_connecting(struct conn *c, uint32_t events)
{
    if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        return;
    if (wire_connected(c))
        upgrade(c);
    else
        c->state = CONN_SECURING;
}

static void on_securing(struct conn *c, uint32_t events)
{
    (void)events;
    if (wire_secured(c))
        upgrade(c);
}

static void check_upgrade(const char *head)
{
    bool deflate = strcasestr(head, "permessage-deflate") &&
                   strcasestr(head, "server_no_context_takeover");

    if (strncmp(head, "HTTP/1.1 101 ", 13) != 0 ||
        !strstr(head, load_accept_key))
        load_fail("expected an upgrade, got:\n%s", head);
    if (deflate != options->deflate)
        load_fail("expected %s compression, got:\n%s",
                  options->deflate ? "agreement to" : "no word of", head);
}

static void say_goodbye(struct conn *c)
{
    /* 1000, masked with 1 2 3 4 */
    static const uint8_t frame[] = { 0x88, 0x82, 1, 2, 3, 4, 0x02, 0xea };

    put_all(c, frame, sizeof(frame));
    c->state = CONN_CLOSING;
}

/* Whether the answer is there. */
static bool get_head(struct conn *c)
{
    for (;;) {
        size_t room = sizeof(c->head) - 1 - c->head_len;
        ssize_t n = wire_get(c, c->head + c->head_len, room);

        if (n == WIRE_LATER)
            return false;
        c->head_len += (size_t)n;
        const char *end = strstr(c->head, "\r\n\r\n");

        if (end && end + 4 == c->head + c->head_len)
            return true;
        if (end || n == WIRE_GONE)
            load_fail(
                "expected an upgrade and nothing more, got %zu bytes:\n%s",
                c->head_len, c->head);
    }
}

static void on_upgrading(struct conn *c, uint32_t events)
{
    (void)events;
    if (!get_head(c))
        return;
    check_upgrade(c->head);
    c->state = CONN_OPEN;
    conn_count.open++;
    if (options->mode == LOAD_CONNECT)
        say_goodbye(c);
}

static void record(uint64_t since, uint64_t now)
{
    if (conn_count.timing)
        figures_add(now - since);
}

static void answered(struct conn *c, size_t messages)
{
    uint64_t now = figures_now();

    if (messages > c->under_way)
        load_fail("expected %zu answers, got %zu", c->under_way, messages);
    for (size_t i = 0; i < messages; i++) {
        record(c->sent[c->oldest], now);
        c->oldest = c->oldest + 1 < options->depth ? c->oldest + 1 : 0;
    }
    c->under_way -= messages;
    conn_count.answers += messages;
    if (!conn_count.one_each)
        conn_submit(c, messages);
}

static void heard(struct conn *c, size_t messages)
{
    uint64_t now = figures_now();
    size_t by_all = 0;

    for (size_t i = 0; i < messages; i++) {
        uint64_t sent = cast_heard(c->heard++);

        if (sent > 0) {
            record(sent, now);
            by_all++;
        }
    }
    conn_count.answers += messages;
    conn_count.casts += by_all;
    if (by_all > 0)
        conn_submit(conns, by_all);
}

static void ended(struct conn *c)
{
    if (c->state != CONN_CLOSING || !c->in.closed)
        load_fail("the server has closed a connection");
    record(c->born, figures_now());
    conn_count.ended++;
    conn_drop(c);
    conn_start(c);
}

/* Read once.  Of large answers that are not compared only the heads are
 * copied. */
static ssize_t receive_some(struct conn *c, size_t *asked, size_t *whole)
{
    bool heads = !c->ssl && frames.size > LARGE;
    size_t unread = heads ? answers_unread(&c->in) : 0;
    ssize_t n;

    *whole = 0;
    if (unread > 0) {
        *asked = unread;
        n = wire_skip(c, unread);
        if (n > 0)
            *whole = answers_skip(&c->in, (size_t)n);
        return n;
    }
    *asked = heads && answers_at_head(&c->in) ? HEAD : BUFFER;
    n = wire_get(c, buffer, *asked);
    if (n > 0)
        *whole = answers_take(&c->in, buffer, (size_t)n);
    return n;
}

static void receive(struct conn *c, bool hung_up)
{
    for (;;) {
        size_t asked, whole;
        ssize_t n = receive_some(c, &asked, &whole);

        if (n == WIRE_LATER)
            return;
        if (n == WIRE_GONE || c->in.closed) {
            ended(c);
            return;
        }
        if (c->pinged && c->in.answered) {
            c->pinged = false;
            conn_count.pinged--;
        }
        /* Nothing can have come yet of what is sent from here on. */
        bool cast = options->mode == LOAD_CAST;
        bool last =
            (!cast && whole == c->under_way) || (!c->ssl && (size_t)n < asked);

        if (whole > 0)
            (cast ? heard : answered)(c, whole);
        if (last && !hung_up)
            return;
    }
}

static void on_open(struct conn *c, uint32_t events)
{
    uint32_t hung_up = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

    if (c->blocked && events & EPOLLOUT)
        send_queued(c);
    if (hung_up || events & EPOLLIN)
        receive(c, hung_up);
}

static void on_unused(struct conn *c, uint32_t events)
{
    (void)c;
    (void)events;
}

void conns_turn(void)
{
    static void (*const on[])(struct conn *, uint32_t) = {
        [CONN_UNUSED] = on_unused,     [CONN_CONNECTING] = on_connecting,
        [CONN_SECURING] = on_securing, [CONN_UPGRADING] = on_upgrading,
        [CONN_OPEN] = on_open,         [CONN_CLOSING] = on_open,
    };
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll_fd, events, EVENTS, 10);

    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;

        on[c->state](c, events[i].events);
    }
}
