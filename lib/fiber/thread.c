/* SPDX-License-Identifier: MIT */

#include "fiber/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static _Thread_local bool runs_handlers;

/* There a broken pipe is found out by EPIPE; elsewhere it ends the process as
 * before. */
static void on_broken_pipe(int signum)
{
    if (runs_handlers)
        return;
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

/* Neither blocked nor ignored: what a handler executes would inherit that. */
static void catch_broken_pipes(void)
{
    const struct sigaction action = { .sa_handler = on_broken_pipe,
                                      .sa_flags = SA_RESTART | SA_ONSTACK };
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        sigaction(SIGPIPE, &action, NULL);
}

void ws__thread_runs_handlers(void)
{
    runs_handlers = true;
}

int ws__thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, catch_broken_pipes);
    return pthread_create(t, NULL, fn, arg) == 0 ? 0 : -ENOMEM;
}

/* The mask is inherited, so no signal finds the thread with another one.  What
 * it does to itself is not blocked: that would end the process without its
 * handlers. */
int ws__thread_start_deaf(pthread_t *t, void *(*fn)(void *arg), void *arg)
{
    static const int synchronous[] = {
        SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP,
    };
    sigset_t blocked, before;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(synchronous) / sizeof(*synchronous); i++)
        sigdelset(&blocked, synchronous[i]);

    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int err = pthread_create(t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err == 0 ? 0 : -ENOMEM;
}
