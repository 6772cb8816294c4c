/* SPDX-License-Identifier: MIT */

#include "fiber/loop.h"

#include <errno.h>
#include <limits.h>

#include "base/alloc.h"
#include "fiber/driven.h"
#include "fiber/worker_run.h"

struct ws_loop {
    struct ws__driven driven; /* first: cast to this */
};

static int64_t loop_step(struct ws__driven *d)
{
    return ws__worker_step(d->worker);
}

ws_loop *ws_loop_new(size_t stack_size)
{
    if (ws__worker_here() || ws__driven)
        return NULL;

    ws_loop *l = ws__alloc(sizeof(*l));
    struct ws__worker *w = ws__worker_new(stack_size);
    if (!l || !w) {
        if (w)
            ws__worker_unref(w);
        ws_free(l);
        return NULL;
    }
    *l = (ws_loop){ { .worker = w, .step = loop_step } };
    ws__driven = &l->driven;
    ws__worker_begin(w);
    return l;
}

struct ws__worker *ws__loop_worker(const ws_loop *l)
{
    struct ws__worker *here = ws__worker_here();

    if (!l || ws__driven != &l->driven || (here && here != l->driven.worker))
        return NULL;
    return l->driven.worker;
}

int ws_loop_fd(const ws_loop *l)
{
    return l ? l->driven.worker->epoll : WS_ERR_INVALID;
}

/* Of its thread, and outside of a step? */
static bool may_step(const ws_loop *l)
{
    return l && ws__driven_idle() == &l->driven;
}

int64_t ws_loop_step(ws_loop *l)
{
    return may_step(l) ? ws__worker_step(l->driven.worker) : WS_ERR_INVALID;
}

int ws_loop_timeout(int64_t again)
{
    if (again == 0)
        return -1;

    int64_t left = again - ws_now();
    return left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

int ws_loop_free(ws_loop *l)
{
    if (!l)
        return 0;
    if (!may_step(l))
        return WS_ERR_INVALID;
    if (!ws__worker_end(l->driven.worker))
        return -EBUSY;
    ws__driven = NULL;
    ws__worker_unref(l->driven.worker);
    ws_free(l);
    return 0;
}
