/* SPDX-License-Identifier: MIT */

#include "server/manager.h"

#include <silverback/systemd.h>

#include "base/log.h"

enum { PATIENCE_MS = 1000, SPARE_MS = 5000 };

int ws__manager_sockets(ws_server *s, int *fds, size_t max)
{
    int n = ws_sd_listen_fds(NULL, fds, max);

    if (n < 0 || (size_t)n > max) {
        ws__log(WS__LOG(WS_LOG_ERROR, "listen_failed"),
                "serve: the sockets that systemd passes: expected LISTEN_PID, "
                "and LISTEN_FDS of at most %zu",
                max);
        return WS_ERR_INVALID;
    }
    if (n == 0)
        return 0;
    s->addr = NULL;
    s->addrs = NULL;
    s->fds = fds;
    s->nfds = (size_t)n;
    return 0;
}

/* Nobody waits for what cannot be said: the log has to do. */
static void tell(const struct ws__manager *m, int result)
{
    if (result < 0 && m->present)
        ws__log(WS__LOG(WS_LOG_WARNING, "notify_failed"),
                "serve: NOTIFY_SOCKET: %s", ws_strerror(result));
}

void ws__manager_ready(struct ws__manager *m, const ws_listener *l)
{
    if (!m->present)
        return;
    m->feed_ms = ws_sd_watchdog_ms();
    m->feed_due = m->feed_ms > 0 ? ws_now() : 0;
    tell(m, ws_sd_notify("READY=1\nSTATUS=Serving on %s", ws_listener_addr(l)));
}

void ws__manager_reloading(const struct ws__manager *m)
{
    if (m->present)
        tell(m, ws_sd_notify("RELOADING=1\nSTATUS=Reloading"));
}

void ws__manager_stopping(const struct ws__manager *m, int64_t ms)
{
    if (!m->present)
        return;
    if (ms < 0)
        tell(m, ws_sd_notify("STOPPING=1\nSTATUS=Waiting for handlers"));
    else
        tell(m, ws_sd_notify("STOPPING=1\nSTATUS=Waiting for handlers\n"
                             "EXTEND_TIMEOUT_USEC=%lld",
                             (long long)(ms + SPARE_MS) * 1000));
}

static void say_held_up(struct ws__manager *m)
{
    if (!m->held_up)
        ws__log(WS__LOG(WS_LOG_WARNING, "watchdog_not_fed"),
                "serve: a worker does not turn, so the watchdog is not fed");
    m->held_up = true;
}

void ws__manager_feed(struct ws__manager *m, ws_listener *l)
{
    int64_t patience = m->feed_ms < PATIENCE_MS ? m->feed_ms : PATIENCE_MS;

    if (m->feed_due == 0 || ws_now() < m->feed_due)
        return;
    if (ws_listener_alive(l, ws_after(patience)) != 0) {
        say_held_up(m);
        m->feed_due = ws_now();
        return;
    }
    m->held_up = false;
    m->feed_due = ws_after(m->feed_ms);
    tell(m, ws_sd_notify("WATCHDOG=1"));
}
