/* SPDX-License-Identifier: MIT */

#include "server/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "fiber/cores.h"
#include "fiber/sched.h"
#include "fiber/thread.h"
#include "fiber/worker.h"
#include "http/route.h"
#include "io/listen.h"
#include "io/tls_context.h"
#include "proto/accept_key.h"

enum {
    HEADER_MAX = 1 << 30, /* the parser counts in 32 bits */
    RESERVE = 32,    /* descriptors for the program, and what is turned away */
    OF_A_WORKER = 2, /* its epoll set and its bell */
    LAST_WAIT_MS = 1000,
};

/* ---- Defaults ----------------------------------------------------------- */

static size_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > SIZE_MAX)
        return SIZE_MAX;
    return (size_t)limit.rlim_cur;
}

/* Each connection is a descriptor, and a thread of its own has another one, by
 * which it is woken while it reads. */
static size_t connection_limit(size_t descriptors, size_t workers, bool threads)
{
    size_t taken = workers * OF_A_WORKER;
    size_t left = descriptors > taken ? descriptors - taken : 0;

    left = left > 2 * RESERVE ? left - RESERVE : left / 2;
    return threads ? left / 2 : left;
}

static int int_or(int value, int standard)
{
    return value == 0 ? standard : value;
}

static size_t size_or(size_t value, size_t standard)
{
    return value == 0 ? standard : value;
}

static void set_connection_limit(ws_listener *l)
{
    if (l->host.server.max_connections > 0)
        return;
    l->descriptors = descriptor_limit();
    l->host.server.max_connections = connection_limit(
        l->descriptors, (size_t)l->nseats, l->host.server.threads);
}

static void set_defaults(ws_server *s)
{
    s->addr = s->addr ? s->addr : ":8080";
    s->request_timeout_ms = int_or(s->request_timeout_ms, 10 * 1000);
    s->idle_timeout_ms = int_or(s->idle_timeout_ms, 60 * 1000);
    s->write_timeout_ms = int_or(s->write_timeout_ms, 60 * 1000);
    s->shutdown_timeout_ms = int_or(s->shutdown_timeout_ms, 10 * 1000);
    s->max_header_bytes = size_or(s->max_header_bytes, 16 * 1024);
    s->max_body_bytes = size_or(s->max_body_bytes, 64 * 1024);
    if (s->max_header_bytes > HEADER_MAX)
        s->max_header_bytes = HEADER_MAX;
    if (s->max_body_bytes > SIZE_MAX / 2)
        s->max_body_bytes = SIZE_MAX / 2;
}

/* ---- Workers ------------------------------------------------------------- */

/* Before the descriptor is closed, so that it cannot be another server's. */
static void unlink_socket(const ws_listener *l)
{
    static const char prefix[] = "unix:";
    const char *addr = l->host.server.addr;

    if (strncmp(addr, prefix, sizeof(prefix) - 1) == 0)
        unlink(addr + sizeof(prefix) - 1);
}

void ws__accept_ends(ws_listener *l)
{
    if (atomic_fetch_sub(&l->accepting, 1) != 1)
        return;
    unlink_socket(l);
    close(l->fd);
}

void ws__seat_present(ws_listener *l, bool runs)
{
    if (!runs)
        atomic_store(&l->crippled, true);
    if (atomic_fetch_sub(&l->absent, 1) == 1)
        ws_event_set(&l->present);
}

static void *run_seat(void *arg)
{
    struct ws__seat *seat = arg;
    ws_listener *l = seat->listener;

    ws__thread_runs_handlers();
    if (ws__run_worker(seat->worker, ws__accept_all, seat) != 0) {
        ws__accept_ends(l);
        ws__seat_present(l, false);
    }
    if (atomic_fetch_sub(&l->running, 1) == 1)
        ws_event_set(&l->ended);
    return NULL;
}

static int start_seat(struct ws__seat *seat)
{
    const ws_server *s = &seat->listener->host.server;

    seat->worker = ws__worker_new(s->stack_size);
    if (!seat->worker)
        return -ENOMEM;
    seat->worker->spin_us = s->spin_us;
    if (ws__thread_start(&seat->thread, run_seat, seat) != 0)
        return -ENOMEM;
    seat->started = true;
    return 0;
}

/* ---- Beginning and end -------------------------------------------------- */

static void join_all(ws_listener *l)
{
    for (int i = 0; i < l->nseats; i++) {
        struct ws__seat *seat = &l->seats[i];

        if (seat->started)
            pthread_join(seat->thread, NULL);
        if (seat->worker)
            ws__worker_unref(seat->worker);
    }
}

static void listener_free(ws_listener *l)
{
    join_all(l);
    if (l->host.registry)
        ws__registry_unref(l->host.registry);
    ws__tls_context_free(l->host.tls);
    ws_free(l);
}

/* In threads mode there is one, which only accepts. */
static int seats_of(const ws_server *s)
{
    if (s->threads)
        return 1;
    return s->workers > 0 ? s->workers : ws__cores();
}

static ws_listener *listener_new(const ws_server *s)
{
    int n = seats_of(s);
    ws_listener *l = ws__zalloc(sizeof(*l) + (size_t)n * sizeof(*l->seats));

    if (!l)
        return NULL;
    l->host.server = *s;
    set_defaults(&l->host.server);
    l->nseats = n;
    set_connection_limit(l);
    for (int i = 0; i < n; i++) {
        l->seats[i].listener = l;
        l->seats[i].index = (unsigned)i;
    }
    l->host.registry = ws__registry_new((unsigned)n);
    if (l->host.registry)
        return l;
    listener_free(l);
    return NULL;
}

/* Any of them may hand a connection to any other, so none accepts before all
 * run.  What has started when one fails stops again, and has accepted none. */
static int start_seats(ws_listener *l)
{
    int n = 0;

    atomic_init(&l->accepting, l->nseats);
    atomic_init(&l->running, l->nseats);
    atomic_init(&l->absent, l->nseats);
    while (n < l->nseats && start_seat(&l->seats[n]) == 0)
        n++;
    int missing = l->nseats - n;
    atomic_fetch_sub(&l->running, missing);
    for (int i = 0; i < missing; i++) {
        ws__accept_ends(l);
        ws__seat_present(l, false);
    }
    ws_event_wait(&l->present, 0);
    bool crippled = atomic_load(&l->crippled);
    if (crippled)
        ws_event_set(&l->stop);
    ws_event_set(&l->open);
    return crippled ? -ENOMEM : 0;
}

/* OpenSSL loads much when it is first asked, which is not to be in a client's
 * time. */
static void warm_up(void)
{
    char accept[WS__ACCEPT_LEN + 1];

    ws__accept_key(accept, "AAAAAAAAAAAAAAAAAAAAAA==");
}

static int start(ws_listener *l, ws_error *err)
{
    const ws_tls *tls = l->host.server.tls;
    int error = ws__routes_check(l->host.server.routes, err);

    if (error != 0)
        return error;
    warm_up();
    if (tls && !(l->host.tls = ws__tls_context_new(tls, err)))
        return WS_ERR_TLS;
    l->fd = ws__listen(l->host.server.addr, err);
    if (l->fd < 0)
        return l->fd;
    ws__local_name(l->fd, l->addr);
    error = start_seats(l);
    if (error != 0)
        ws__fail(err, error,
                 "listen on %s: no memory, or too few descriptors, for %d "
                 "workers",
                 l->host.server.addr, l->nseats);
    return error;
}

ws_listener *ws_listen(const ws_server *s, ws_error *err)
{
    ws_listener *l = listener_new(s);

    if (err)
        *err = (ws_error){ 0 };
    if (!l) {
        ws__fail(err, -ENOMEM, "listen: out of memory");
        return NULL;
    }
    if (start(l, err) == 0)
        return l;
    listener_free(l);
    return NULL;
}

const char *ws_listener_addr(const ws_listener *l)
{
    return l->addr;
}

static int wait_all(ws_listener *l, int64_t deadline)
{
    int r = ws__registry_wait(l->host.registry, deadline);

    return r == 0 ? ws_event_wait(&l->ended, deadline) : r;
}

int ws_listener_shutdown(ws_listener *l, int64_t deadline)
{
    if (!l)
        return 0;
    /* Who finds that nobody listens any more must not be told afterwards that
     * its connection may be used again. */
    ws__registry_refuse(l->host.registry);
    ws_event_set(&l->stop);
    ws__registry_close(l->host.registry);
    int r = wait_all(l, deadline);
    if (r != 0) {
        ws__registry_break(l->host.registry);
        r = wait_all(l, ws_after(LAST_WAIT_MS));
    }
    if (r != 0)
        return r;
    listener_free(l);
    return 0;
}
