/* SPDX-License-Identifier: MIT */

#include "fiber/overflow.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fiber/name.h"

/* The fiber's own stack has no room for a signal frame. */
enum { SIGNAL_STACK = 64 * 1024 };

static void report_overflow(const struct ws__coroutine *f)
{
    char name[WS__NAME_LEN], text[WS__NAME_LEN + 128];

    ws__fiber_name(f->label, f->handle.fn, name);
    int n = snprintf(text, sizeof(text),
                     "silverback: %s has overflowed its stack of %zu KiB: use "
                     "the heap for what is large, or ws_server.stack_size\n",
                     name, ws__stack_size(f->stack) / 1024);
    (void)!write(STDERR_FILENO, text, (size_t)n);
}

void ws__overflow_abort(const struct ws__coroutine *f)
{
    report_overflow(f);
    abort();
}

static struct sigaction before; /* what the program does about faults */

/* A fault is repeated when this returns, and then does what the program wanted
 * before.  A signal that was sent (its code is not positive) is not, so it is sent
 * again. */
static void on_fault(int signum, siginfo_t *info, void *context)
{
    const struct ws__worker *w = ws__worker_here();

    (void)context;
    if (w && w->current && info->si_code > 0 &&
        ws__stack_is_guard(w->current->stack, info->si_addr))
        report_overflow(w->current);
    sigaction(signum, &before, NULL);
    if (info->si_code <= 0)
        (void)raise(signum);
}

static void install_handler(void)
{
    const struct sigaction action = { .sa_sigaction = on_fault,
                                      .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigaction(SIGSEGV, &action, &before);
}

/* A thread that has a stack for signals keeps it. */
void ws__overflow_watch(struct ws__worker *w)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    stack_t there, ours = { .ss_size = SIGNAL_STACK };

    pthread_once(&once, install_handler);
    if (sigaltstack(NULL, &there) != 0 || !(there.ss_flags & SS_DISABLE))
        return;
    w->signal_stack = ours.ss_sp = ws__alloc(SIGNAL_STACK);
    if (w->signal_stack)
        sigaltstack(&ours, NULL);
}

void ws__overflow_unwatch(struct ws__worker *w)
{
    const stack_t none = { .ss_flags = SS_DISABLE };

    if (!w->signal_stack)
        return;
    sigaltstack(&none, NULL);
    ws_free(w->signal_stack);
    w->signal_stack = NULL;
}
