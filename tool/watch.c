/* SPDX-License-Identifier: MIT */

#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "editor.h"
#include "status.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

enum {
    SIGNALS = sizeof(signals) / sizeof(signals[0]),
};

/* A pipe or a socket tells when its reader goes. */
static int watch_output(void)
{
    struct stat st;

    return fstat(STDOUT_FILENO, &st) == 0 &&
                   (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
               ? STDOUT_FILENO
               : -1;
}

static void watch_quit(void)
{
    editor_end();
    _exit(STATUS_INTERRUPTED);
}

static void watch_run(void *arg)
{
    struct watch *w = arg;
    int fd = watch_output();
    bool before = false;

    for (;;) {
        int r = ws_wait_any(fd, POLLERR, 0, &w->signaled, &w->over);
        if (ws_event_is_set(&w->signaled)) {
            ws_event_clear(&w->signaled);
            if (before)
                watch_quit();
            before = true;
            w->wish(true, w->arg);
        } else if (ws_event_is_set(&w->over)) {
            return;
        } else if (r != 0) {
            fd = -1;
            if (r > 0)
                w->wish(false, w->arg);
        }
    }
}

static bool watch_is_ignored(int signum)
{
    struct sigaction action;

    return sigaction(signum, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

void watch_begin(struct watch *w)
{
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SIGNALS; i++)
        if (!watch_is_ignored(signals[i]))
            ws_notify(&w->signaled, signals[i]);
    w->thread = ws_go(watch_run, w);
}

void watch_end(struct watch *w)
{
    ws_event_set(&w->over);
    ws_join(w->thread);
    for (int i = 0; i < SIGNALS; i++)
        if (!watch_is_ignored(signals[i]))
            ws_notify(NULL, signals[i]);
}

void watch_set(bool signaled, void *arg)
{
    (void)signaled;
    ws_event_set(arg);
}
