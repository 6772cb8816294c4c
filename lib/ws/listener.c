/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "io/sock.h"
#include "io/wait.h"
#include "ws/registry.h"
#include "ws/session.h"

enum {
    HEADER_MAX = 1 << 30, /* the parser counts in 32 bits */
    RESERVE = 32, /* descriptors for the program itself, and for TURNED_AWAY */
    TURNED_AWAY = 16,
    TURNED_AWAY_MS = 2000,
    PAUSE_MS = 100,
    LAST_WAIT_MS = 1000,
};

struct ws_listener {
    ws_server server; /* no field is left at 0 */
    int fd;
    char addr[WS__ADDR_LEN];
    struct ws__registry *registry;
    ws_fiber *fiber;
    ws_event stop;
    ws_event ended; /* the fiber, and all that was started from it */
    bool starved;   /* and that was logged */

    /* Connections that got a 503: held for a while, since closing one before
     * its request has come sends a reset, which may overtake the answer. */
    int turned_away[TURNED_AWAY];
    size_t turned; /* how many there were */
};

/* ---- Defaults ----------------------------------------------------------- */

static size_t connection_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur > 2 * RESERVE ? (size_t)limit.rlim_cur - RESERVE
                                        : RESERVE;
}

static int int_or(int value, int standard)
{
    return value == 0 ? standard : value;
}

static size_t size_or(size_t value, size_t standard)
{
    return value == 0 ? standard : value;
}

static void set_defaults(ws_server *s)
{
    s->addr = s->addr ? s->addr : ":8080";
    s->request_timeout_ms = int_or(s->request_timeout_ms, 10 * 1000);
    s->idle_timeout_ms = int_or(s->idle_timeout_ms, 60 * 1000);
    s->shutdown_timeout_ms = int_or(s->shutdown_timeout_ms, 10 * 1000);
    s->max_header_bytes = size_or(s->max_header_bytes, 16 * 1024);
    s->max_body_bytes = size_or(s->max_body_bytes, 64 * 1024);
    if (s->max_header_bytes > HEADER_MAX)
        s->max_header_bytes = HEADER_MAX;
    if (s->max_body_bytes > SIZE_MAX / 2)
        s->max_body_bytes = SIZE_MAX / 2;
    s->max_connections = size_or(s->max_connections, connection_limit());
}

/* ---- Too many ----------------------------------------------------------- */

static void turn_away(ws_listener *l, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Connection: close\r\n"
                                 "Content-Length: 0\r\n\r\n";
    int *slot = &l->turned_away[l->turned++ % TURNED_AWAY];
    struct ws__stream stream;

    ws__stream_socket(&stream, fd);
    (void)ws__stream_write(&stream, answer, sizeof(answer) - 1, ws_now());
    stream.ops->half_close(&stream);
    if (l->turned > TURNED_AWAY)
        close(*slot);
    *slot = fd;
}

static void let_go(ws_listener *l)
{
    size_t n = l->turned < TURNED_AWAY ? l->turned : TURNED_AWAY;

    for (size_t i = 0; i < n; i++)
        close(l->turned_away[i]);
    l->turned = 0;
}

/* ---- Accepting ---------------------------------------------------------- */

static bool start_session(struct ws__session *s)
{
    ws_fiber *f = ws_go(ws__session_run, s);

    if (!f)
        return false;
    ws_detach(f);
    return true;
}

static void welcome(ws_listener *l, int fd)
{
    if (ws__registry_count(l->registry) >= l->server.max_connections) {
        turn_away(l, fd);
        return;
    }
    if (!ws__session_begin(l->registry)) {
        close(fd);
        return;
    }
    struct ws__session *s = ws__session_new(&l->server, l->registry, fd);
    if (s && start_session(s))
        return;
    if (s)
        ws__session_free(s);
    ws__session_end(l->registry);
}

/* The descriptor stays readable, so without a pause this would spin. */
static void pause_accepting(ws_listener *l, int error)
{
    if (!l->starved)
        ws__log("accept on %s: %s; trying again", l->addr, ws_strerror(error));
    l->starved = true;
    let_go(l);
    ws_event_wait(&l->stop, ws_after(PAUSE_MS));
}

static void accept_ready(ws_listener *l)
{
    int fd = ws__accept(l->fd);

    while (fd >= 0) {
        l->starved = false;
        welcome(l, fd);
        fd = ws__accept(l->fd);
    }
    if (fd != -EAGAIN)
        pause_accepting(l, fd);
}

/* Before the descriptor is closed, so that it cannot be another server's. */
static void unlink_socket(const ws_listener *l)
{
    static const char prefix[] = "unix:";
    const char *addr = l->server.addr;

    if (strncmp(addr, prefix, sizeof(prefix) - 1) == 0)
        unlink(addr + sizeof(prefix) - 1);
}

static void stop_listening(ws_listener *l)
{
    unlink_socket(l);
    close(l->fd);
    let_go(l);
}

static void accept_all(void *arg)
{
    ws_listener *l = arg;
    int r = 0;

    while (r != WS_ERR_CANCELED) {
        int64_t deadline = l->turned > 0 ? ws_after(TURNED_AWAY_MS) : 0;

        r = ws__wait(l->fd, POLLIN, deadline, &l->stop);
        if (r == WS_ERR_TIMEOUT)
            let_go(l);
        else if (r > 0)
            accept_ready(l);
        else if (r != WS_ERR_CANCELED)
            pause_accepting(l, r);
    }
    stop_listening(l);
}

/* ws_run waits for the fibers that handlers have started.  Where the listener
 * was made inside of another ws_run, that one does. */
static void run(void *arg)
{
    ws_listener *l = arg;

    if (ws_run(accept_all, l) == WS_ERR_INVALID)
        accept_all(l);
    ws_event_set(&l->ended);
}

/* ---- Beginning and end -------------------------------------------------- */

static void listener_free(ws_listener *l)
{
    if (l->registry)
        ws__registry_unref(l->registry);
    ws_free(l);
}

static ws_listener *listener_new(const ws_server *s)
{
    ws_listener *l = ws__zalloc(sizeof(*l));

    if (!l)
        return NULL;
    l->server = *s;
    set_defaults(&l->server);
    l->registry = ws__registry_new();
    if (l->registry)
        return l;
    listener_free(l);
    return NULL;
}

static int start(ws_listener *l, ws_error *err)
{
    l->fd = ws__listen(l->server.addr, err);
    if (l->fd < 0)
        return l->fd;
    ws__local_name(l->fd, l->addr);
    l->fiber = ws_go(run, l);
    if (l->fiber)
        return 0;
    stop_listening(l);
    return ws__fail(err, -ENOMEM, "listen on %s: no memory for a fiber",
                    l->server.addr);
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
    int r = ws__registry_wait(l->registry, deadline);

    return r == 0 ? ws_event_wait(&l->ended, deadline) : r;
}

int ws_listener_shutdown(ws_listener *l, int64_t deadline)
{
    if (!l)
        return 0;
    ws_event_set(&l->stop);
    ws__registry_close(l->registry);
    int r = wait_all(l, deadline);
    if (r != 0) {
        ws__registry_break(l->registry);
        r = wait_all(l, ws_after(LAST_WAIT_MS));
    }
    if (r != 0)
        return r;
    ws_join(l->fiber);
    listener_free(l);
    return 0;
}
