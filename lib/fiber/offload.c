/* SPDX-License-Identifier: MIT */

/* Helper threads: started when all are busy, ended when there was nothing to do
 * for a while. */

#include "fiber/offload.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include <silverback/fiber.h>

#include "fiber/cond.h"
#include "fiber/parker.h"
#include "fiber/thread.h"

enum { IDLE_MS = 10 * 1000 };

struct pool {
    unsigned limit;
    pthread_mutex_t lock; /* of what follows */
    bool made;
    pthread_cond_t wake; /* if made */
    struct ws__job *first, *last;
    unsigned helpers, idle, waiting;
    unsigned busy;     /* helpers that have not done their job yet */
    unsigned cleaners; /* who waits for the others to end, by rested */
    pthread_cond_t rested;
    pthread_t ended; /* the last of those, to be joined */
    bool has_ended;
};

#define POOL(n)                                                                \
    {                                                                          \
        .limit = (n), .lock = PTHREAD_MUTEX_INITIALIZER,                       \
        .rested = PTHREAD_COND_INITIALIZER                                     \
    }

static struct pool pools[] = {
    [WS__FOR_HANDLERS] = POOL(64),
    [WS__FOR_FILES] = POOL(64),
    [WS__FOR_NAMES] = POOL(256),
    [WS__FOR_HUBS] = POOL(4),
};

static struct ws__job *offload_take(struct pool *p)
{
    struct ws__job *j = p->first;

    if (j) {
        p->first = j->next;
        if (!p->first)
            p->last = NULL;
        p->waiting--;
    }
    return j;
}

/* With the lock held.  NULL after a while without a job, or when there is none
 * and somebody cleans up. */
static struct ws__job *next_job(struct pool *p)
{
    int64_t until = ws_after(IDLE_MS);
    struct ws__job *j;
    int r = 0;

    p->idle++;
    while ((j = offload_take(p)) == NULL && r == 0 && p->cleaners == 0)
        r = ws__cond_wait(&p->wake, &p->lock, until);
    p->idle--;
    return j;
}

/* Each helper that ends for a cleaner joins the one that ended before it, so that
 * the cleaner has one thread to join, which is p->ended. */
static void end_for_cleaner(struct pool *p)
{
    pthread_t before = p->ended;
    bool follows = p->has_ended;

    p->ended = pthread_self();
    p->has_ended = true;
    pthread_cond_broadcast(&p->rested);
    pthread_mutex_unlock(&p->lock);
    if (follows)
        pthread_join(before, NULL);
}

static void end_alone(struct pool *p)
{
    pthread_detach(pthread_self());
    pthread_mutex_unlock(&p->lock);
}

static void *help(void *arg)
{
    struct pool *p = arg;
    struct ws__job *j;

    ws__thread_runs_handlers();
    pthread_mutex_lock(&p->lock);
    while ((j = next_job(p)) != NULL) {
        p->busy++;
        pthread_mutex_unlock(&p->lock);
        j->fn(j);
        pthread_mutex_lock(&p->lock);
        p->busy--;
        pthread_mutex_unlock(&p->lock);
        j->done(j);
        pthread_mutex_lock(&p->lock);
    }
    p->helpers--;
    if (p->cleaners > 0)
        end_for_cleaner(p);
    else
        end_alone(p);
    return NULL;
}

/* With the lock held. */
static void start_helper(struct pool *p)
{
    pthread_t t;

    if (!p->made)
        ws__cond_init(&p->wake);
    p->made = true;
    if (ws__thread_start(&t, help, p) != 0)
        return;
    p->helpers++;
}

int ws__offload(enum ws__helpers kind, struct ws__job *j)
{
    struct pool *p = &pools[kind];

    j->next = NULL;
    pthread_mutex_lock(&p->lock);
    if (p->waiting >= p->idle && p->helpers < p->limit)
        start_helper(p);
    bool served = p->helpers > 0;
    if (served) {
        if (p->last)
            p->last->next = j;
        else
            p->first = j;
        p->last = j;
        p->waiting++;
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return served ? 0 : -ENOMEM;
}

/* ---- Cleaning up -------------------------------------------------------- */

static void clean_up(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->cleaners++;
    if (p->made)
        pthread_cond_broadcast(&p->wake);
    while (p->helpers > p->busy)
        pthread_cond_wait(&p->rested, &p->lock);
    p->cleaners--;
    pthread_t last = p->ended;
    bool join = p->has_ended;
    p->has_ended = false;
    pthread_mutex_unlock(&p->lock);
    if (join)
        pthread_join(last, NULL);
}

void ws__offload_cleanup(void)
{
    for (size_t i = 0; i < sizeof(pools) / sizeof(*pools); i++)
        clean_up(&pools[i]);
}

/* ---- Calls -------------------------------------------------------------- */

struct call {
    struct ws__job job; /* first: a job is cast to this */
    int (*fn)(void *arg);
    void *arg;
    int result;
    ws_event done;
};

static void call_run(struct ws__job *j)
{
    struct call *c = (struct call *)j;

    c->result = c->fn(c->arg);
}

static void call_done(struct ws__job *j)
{
    ws_event_set(&((struct call *)j)->done);
}

/* Without a helper it holds up the worker, but is done. */
int ws__blocking(enum ws__helpers kind, int (*fn)(void *arg), void *arg)
{
    struct call c = { .job = { .fn = call_run, .done = call_done },
                      .fn = fn,
                      .arg = arg };

    ws__before_park_run();
    if (!ws__running || ws__offload(kind, &c.job) != 0)
        return fn(arg);
    ws_event_wait(&c.done, 0);
    return c.result;
}

int ws_blocking(int (*fn)(void *arg), void *arg)
{
    return ws__blocking(WS__FOR_HANDLERS, fn, arg);
}
