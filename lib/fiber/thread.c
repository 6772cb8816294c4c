/* SPDX-License-Identifier: MIT */

#include "fiber/thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* What a thread does to itself: blocked, these would end the process without
 * its handlers. */
static const int synchronous[] = {
    SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP,
};

/* The mask is inherited, so no signal finds the thread with another one. */
int ws__thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg)
{
    sigset_t blocked, before;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(synchronous) / sizeof(*synchronous); i++)
        sigdelset(&blocked, synchronous[i]);

    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int err = pthread_create(t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err == 0 ? 0 : -ENOMEM;
}
