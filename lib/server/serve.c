/* SPDX-License-Identifier: MIT */

#include <signal.h>
#include <sys/resource.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "base/log.h"
#include "server/listener.h"
#include "server/manager.h"

enum { PASSED_MAX = 64 }; /* sockets of the service manager */

/* How long the end may take; < 0: for ever. */
static int64_t shutdown_ms(const ws_server *s)
{
    int ms = s->shutdown_timeout_ms;
    int spread = s->goodbye ? s->goodbye->spread_ms : 0;

    return ms < 0 ? -1 : (int64_t)ms + (spread > 0 ? spread : 0);
}

/* As much as nobody need ask for.  If it cannot be had, there is room for fewer
 * connections. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Whoever had the program ignore a signal, as nohup does and a shell script with
 * what it starts by "&", wants it to go on when that comes. */
static bool is_ignored(int signum)
{
    struct sigaction now;

    return sigaction(signum, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static int notify_unless_ignored(ws_event *event, int signum)
{
    return is_ignored(signum) ? 0 : ws_notify(event, signum);
}

/* From here on a second signal does what it did before. */
static void restore_signals(void)
{
    ws_notify(NULL, SIGINT);
    ws_notify(NULL, SIGTERM);
    ws_notify(NULL, SIGHUP);
}

struct serving {
    ws_server server;
    ws_listener *listener;
    struct ws__manager manager;
    ws_event stop;
    ws_event hangup;
};

static void serve_reload(struct serving *v)
{
    const ws_server *s = &v->server;

    ws_event_clear(&v->hangup);
    ws__manager_reloading(&v->manager);
    (void)ws_listener_reload(v->listener, NULL); /* which logs what is wrong */
    if (s->reload)
        s->reload(s->reload_arg);
    ws__manager_ready(&v->manager, v->listener);
}

static int serve_end(struct serving *v)
{
    int64_t ms = shutdown_ms(&v->listener->host.server);

    ws__manager_stopping(&v->manager, ms);
    int r = ws_listener_shutdown(v->listener, ms < 0 ? 0 : ws_after(ms));
    if (r != 0)
        ws__log(WS__LOG(WS_LOG_WARNING, "handler_still_runs"), "shutdown: %s",
                ws_listener_error(v->listener)->text);
    return r;
}

static int serve_until(struct serving *v)
{
    ws_error err;

    v->listener = ws_listen(&v->server, &err);
    if (!v->listener) {
        ws__log(WS__LOG(WS_LOG_ERROR, "listen_failed"), "%s", err.text);
        return err.code;
    }
    ws__manager_ready(&v->manager, v->listener);
    while (!ws_event_is_set(&v->stop)) {
        ws__manager_feed(&v->manager, v->listener);
        ws_wait_any(-1, 0, v->manager.feed_due, &v->stop, &v->hangup);
        if (ws_event_is_set(&v->hangup))
            serve_reload(v);
    }
    restore_signals();
    return serve_end(v);
}

static int catch_signals(struct serving *v)
{
    bool reloads = v->manager.present || v->server.reload;
    int r = notify_unless_ignored(&v->stop, SIGINT);

    if (r == 0)
        r = notify_unless_ignored(&v->stop, SIGTERM);
    if (r == 0 && reloads)
        r = notify_unless_ignored(&v->hangup, SIGHUP);
    if (r != 0)
        ws__log(WS__LOG(WS_LOG_ERROR, "serve_failed"), "serve: signals: %s",
                ws_strerror(r));
    return r;
}

int ws_serve(const ws_server *s)
{
    struct serving v = { 0 };
    int fds[PASSED_MAX];

    if (s)
        v.server = *s;
    v.manager.present = v.server.systemd;
    int r = catch_signals(&v);
    raise_descriptor_limit();
    if (r == 0 && v.manager.present)
        r = ws__manager_sockets(&v.server, fds, PASSED_MAX);
    if (r == 0)
        r = serve_until(&v);
    restore_signals();
    ws_cleanup();
    return r;
}
