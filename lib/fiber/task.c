/* SPDX-License-Identifier: MIT */

#include "fiber/task.h"

#include <pthread.h>

#include "fiber/sync.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all holders */

static void task_run(struct ws__job *j)
{
    struct ws__task *t = (struct ws__task *)j;

    t->fn(t);
}

/* Who `over` wakes needs the lock to let go, so t lives until this is done with
 * it. */
static void task_end(struct ws__job *j)
{
    struct ws__task *t = (struct ws__task *)j;

    pthread_mutex_lock(&lock);
    bool left = --t->holders == 0;
    if (!left)
        ws_event_set(&t->over);
    pthread_mutex_unlock(&lock);
    if (left)
        t->free(t);
}

void ws__task_init(struct ws__task *t, void (*fn)(struct ws__task *t),
                   void (*free)(struct ws__task *t))
{
    *t = (struct ws__task){
        .job = { .fn = task_run, .done = task_end },
        .holders = 1,
        .fn = fn,
        .free = free,
    };
}

int ws__task_start(struct ws__task *t, enum ws__helpers kind)
{
    ws__task_hold(t);
    int r = ws__offload(kind, &t->job);
    if (r != 0)
        ws__task_let_go(t);
    return r;
}

int ws__task_wait(struct ws__task *t, int64_t deadline, ws_event *cancel)
{
    return ws__event_wait(&t->over, deadline, cancel);
}

void ws__task_hold(struct ws__task *t)
{
    pthread_mutex_lock(&lock);
    t->holders++;
    pthread_mutex_unlock(&lock);
}

void ws__task_let_go(struct ws__task *t)
{
    pthread_mutex_lock(&lock);
    bool left = --t->holders == 0;
    pthread_mutex_unlock(&lock);
    if (left)
        t->free(t);
}

bool ws__task_is_left(const struct ws__task *t)
{
    pthread_mutex_lock(&lock);
    bool left = t->holders == 1;
    pthread_mutex_unlock(&lock);
    return left;
}
