/* SPDX-License-Identifier: MIT */

#include <signal.h>

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
        ws__log("%s", err.text);
        return err.code;
    }
    ws_event_wait(stop, 0);
    restore_signals();
    int r = ws_listener_shutdown(l, shutdown_deadline(s));
    if (r != 0)
        ws__log("shutdown: a handler still runs");
    return r;
}

int ws_serve(const ws_server *s)
{
    ws_event stop = { { NULL } };
    int r = ws_notify(&stop, SIGINT);

    if (r == 0)
        r = ws_notify(&stop, SIGTERM);
    if (r == 0)
        r = serve_until(s, &stop);
    else
        ws__log("serve: signals: %s", ws_strerror(r));
    restore_signals();
    return r;
}
