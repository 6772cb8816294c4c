/* SPDX-License-Identifier: MIT */

#include "fiber/local.h"

#include "fiber/worker.h"

_Thread_local void *ws__local;

void ws__worker_set_local(void *local, void (*local_free)(void *local))
{
    struct ws__worker *w = ws__worker_here();

    w->local = ws__local = local;
    w->local_free = local_free;
}

void ws__local_enter(struct ws__worker *w)
{
    ws__local = w->local;
}

void ws__local_leave(void)
{
    ws__local = NULL;
}

void ws__local_free(struct ws__worker *w)
{
    if (w->local_free)
        w->local_free(w->local);
    w->local = ws__local = NULL;
    w->local_free = NULL;
}
