/* SPDX-License-Identifier: MIT */
/* A room in libuv's loop: libuv [addr [url of a room that it follows]]. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <silverback.h>
#include <uv.h>

#include "common/room.h"

/* ---- The loop as handles of libuv ---------------------------------------- */

static ws_loop *loop;
static uv_poll_t readable;
static uv_timer_t again;

/* Timers count from when libuv last looked at the clock. */
static void step(uv_timer_t *t)
{
    int ms = ws_loop_timeout(ws_loop_step(loop));

    uv_update_time(uv_default_loop());
    if (ms >= 0)
        uv_timer_start(t, step, (uint64_t)ms, 0);
    else
        uv_timer_stop(t);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
    (void)p;
    (void)status;
    (void)events;
    step(&again);
}

static void attach(uv_loop_t *uv)
{
    uv_poll_init(uv, &readable, ws_loop_fd(loop));
    uv_poll_start(&readable, UV_READABLE, on_readable);
    uv_timer_init(uv, &again);
    uv_timer_start(&again, step, 0, 0);
}

/* ---- The program -------------------------------------------------------- */

/* One of its own callbacks, beside the handlers. */
static void count(uv_timer_t *t)
{
    (void)t;
    room_count();
}

static void quit(uv_signal_t *s, int signum)
{
    (void)signum;
    uv_stop(s->loop);
}

static void close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    uv_close(h, NULL);
}

int main(int argc, char **argv)
{
    uv_loop_t *uv = uv_default_loop();
    uv_timer_t counter;
    uv_signal_t signals[2];

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    loop = ws_loop_new(0);
    attach(uv);
    if (room_open(loop, argc > 1 ? argv[1] : "localhost:8080",
                  argc > 2 ? argv[2] : NULL) != 0)
        return 1;
    uv_timer_init(uv, &counter);
    uv_timer_start(&counter, count, 500, 500);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(uv, &signals[i]);
        uv_signal_start(&signals[i], quit, i == 0 ? SIGINT : SIGTERM);
    }
    uv_run(uv, UV_RUN_DEFAULT);

    int r = room_close();
    while (ws_loop_free(loop) == -EBUSY)
        uv_run(uv, UV_RUN_ONCE);
    uv_walk(uv, close_handle, NULL);
    uv_run(uv, UV_RUN_DEFAULT);
    uv_loop_close(uv);
    ws_cleanup();
    return r;
}
