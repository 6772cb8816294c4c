/* SPDX-License-Identifier: MIT */

#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "editor.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

enum {
    SIGNALS = sizeof(signals) / sizeof(signals[0]),
    TOGETHER_MS = 100, /* what comes within is one wish: timeout(1) signals the
                        * process, and its group */
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

static bool watch_is_ignored(int signum)
{
    struct sigaction action;

    return sigaction(signum, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

/* From now on a signal does what it does to any process. */
static void watch_let_go(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (!watch_is_ignored(signals[i]))
            ws_notify(NULL, signals[i]);
}

static void watch_signaled(struct watch *w)
{
    w->wish(true, w->arg);
    ws_event_wait(&w->over, ws_after(TOGETHER_MS));
    editor_end();
    watch_let_go();
}

static void watch_run(void *arg)
{
    struct watch *w = arg;
    int r = ws_wait_any(watch_output(), POLLERR, 0, &w->signaled, &w->over);

    if (r > 0)
        w->wish(false, w->arg);
    if (r != 0) /* or the output is nothing to wait for */
        ws_wait_any(-1, 0, 0, &w->signaled, &w->over);
    if (ws_event_is_set(&w->signaled))
        watch_signaled(w);
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
    watch_let_go();
}

void watch_set(bool signaled, void *arg)
{
    (void)signaled;
    ws_event_set(arg);
}
