/* SPDX-License-Identifier: MIT */

#include <signal.h>
#include <sys/resource.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "base/log.h"

enum { SHUTDOWN_MS = 10 * 1000 };

static int64_t shutdown_deadline(const ws_server *s)
{
    int ms = s->shutdown_timeout_ms;

    if (ms < 0)
        return 0;
    return ws_after(ms == 0 ? SHUTDOWN_MS : ms);
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

static int stop_at(ws_event *stop, int signum)
{
    return is_ignored(signum) ? 0 : ws_notify(stop, signum);
}

/* From here on a second signal does what it did before. */
static void restore_signals(void)
{
    ws_notify(NULL, SIGINT);
    ws_notify(NULL, SIGTERM);
}

static int serve_until(const ws_server *s, ws_event *stop)
{
    ws_error err;
    ws_listener *l = ws_listen(s, &err);

    if (!l) {
        ws__log(WS__LOG(WS_LOG_ERROR, "listen_failed"), "%s", err.text);
        return err.code;
    }
    ws_event_wait(stop, 0);
    restore_signals();
    int r = ws_listener_shutdown(l, shutdown_deadline(s));
    if (r != 0)
        ws__log(WS__LOG(WS_LOG_WARNING, "handler_still_runs"),
                "shutdown: a handler still runs");
    return r;
}

int ws_serve(const ws_server *s)
{
    static const ws_server standard;
    ws_event stop = { { NULL } };
    int r = stop_at(&stop, SIGINT);

    s = s ? s : &standard;
    raise_descriptor_limit();
    if (r == 0)
        r = stop_at(&stop, SIGTERM);
    if (r == 0)
        r = serve_until(s, &stop);
    else
        ws__log(WS__LOG(WS_LOG_ERROR, "serve_failed"), "serve: signals: %s",
                ws_strerror(r));
    restore_signals();
    ws_cleanup();
    return r;
}
