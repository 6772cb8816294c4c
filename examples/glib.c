/* SPDX-License-Identifier: MIT */
/* A room in GLib's main loop: glib [addr [url of a room that it follows]]. */

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>

#include <silverback.h>

#include "common/room.h"

/* ---- The loop as a source of GLib --------------------------------------- */

struct source {
    GSource base; /* first: it is cast to this */
    ws_loop *loop;
};

/* Both clocks are CLOCK_MONOTONIC; this one counts microseconds. */
static gint64 ready_time(int64_t again)
{
    if (again == 0)
        return -1;
    return again < G_MAXINT64 / 1000 ? again * 1000 : G_MAXINT64;
}

/* It is readable, or its time has come. */
static gboolean step(GSource *s, GSourceFunc fn, gpointer arg)
{
    (void)fn;
    (void)arg;
    int64_t again = ws_loop_step(((struct source *)s)->loop);
    g_source_set_ready_time(s, ready_time(again));
    return G_SOURCE_CONTINUE;
}

static GSource *attach(ws_loop *loop)
{
    static GSourceFuncs functions = { .dispatch = step };
    GSource *s = g_source_new(&functions, sizeof(struct source));

    ((struct source *)s)->loop = loop;
    g_source_add_unix_fd(s, ws_loop_fd(loop), G_IO_IN);
    g_source_set_ready_time(s, 0);
    g_source_attach(s, NULL);
    return s;
}

/* ---- The program -------------------------------------------------------- */

/* One of its own callbacks, beside the handlers. */
static gboolean count(gpointer arg)
{
    (void)arg;
    room_count();
    return G_SOURCE_CONTINUE;
}

static gboolean quit(gpointer main_loop)
{
    g_main_loop_quit(main_loop);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    ws_loop *loop = ws_loop_new(0);
    GSource *source = attach(loop);

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (room_open(loop, argc > 1 ? argv[1] : "localhost:8080",
                  argc > 2 ? argv[2] : NULL) != 0)
        return 1;
    g_timeout_add(500, count, NULL);
    g_unix_signal_add(SIGINT, quit, main_loop);
    g_unix_signal_add(SIGTERM, quit, main_loop);
    g_main_loop_run(main_loop);

    int r = room_close();
    while (ws_loop_free(loop) == -EBUSY)
        g_main_context_iteration(NULL, TRUE);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(main_loop);
    ws_cleanup();
    return r;
}
