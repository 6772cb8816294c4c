/* SPDX-License-Identifier: MIT */

/* Helper threads: started when all are busy, ended when there was nothing to do
 * for a while. */

#include "fiber/offload.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include <silverback/fiber.h>

#include "fiber/park.h"
#include "fiber/thread.h"

enum {
    HELPERS = 64,
    IDLE_S = 10,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static struct ws__job *first, *last;
static unsigned helpers, idle, waiting;

static struct ws__job *take(void)
{
    struct ws__job *j = first;

    if (j) {
        first = j->next;
        if (!first)
            last = NULL;
        waiting--;
    }
    return j;
}

/* With the lock held.  NULL after a while without a job. */
static struct ws__job *next_job(void)
{
    struct timespec until;
    struct ws__job *j;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_S;
    idle++;
    while ((j = take()) == NULL && err == 0)
        err = pthread_cond_timedwait(&wake, &lock, &until);
    idle--;
    return j;
}

static void *help(void *arg)
{
    struct ws__job *j;

    (void)arg;
    pthread_mutex_lock(&lock);
    while ((j = next_job()) != NULL) {
        pthread_mutex_unlock(&lock);
        j->fn(j);
        pthread_mutex_lock(&lock);
    }
    helpers--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* With the lock held. */
static void start_helper(void)
{
    pthread_t t;

    if (ws__thread_start(&t, help, NULL) != 0)
        return;
    pthread_detach(t);
    helpers++;
}

int ws__offload(struct ws__job *j)
{
    j->next = NULL;
    pthread_mutex_lock(&lock);
    if (waiting >= idle && helpers < HELPERS)
        start_helper();
    bool served = helpers > 0;
    if (served) {
        if (last)
            last->next = j;
        else
            first = j;
        last = j;
        waiting++;
        pthread_cond_signal(&wake);
    }
    pthread_mutex_unlock(&lock);
    return served ? 0 : -ENOMEM;
}

/* ---- ws_blocking -------------------------------------------------------- */

struct call {
    struct ws__job job; /* first: a job is cast to this */
    int (*fn)(void *arg);
    void *arg;
    int result;
    ws_event done;
};

static void run_call(struct ws__job *j)
{
    struct call *c = (struct call *)j;

    c->result = c->fn(c->arg);
    ws_event_set(&c->done);
}

/* Without a helper it holds up the worker, but is done. */
int ws_blocking(int (*fn)(void *arg), void *arg)
{
    struct call c = { .job = { .fn = run_call }, .fn = fn, .arg = arg };

    ws__before_park_run();
    if (!ws__running || ws__offload(&c.job) != 0)
        return fn(arg);
    ws_event_wait(&c.done, 0);
    return c.result;
}
