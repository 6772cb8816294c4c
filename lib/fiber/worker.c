/* SPDX-License-Identifier: MIT */

#include "fiber/worker.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <silverback/base.h>

#include "base/alloc.h"

_Thread_local struct ws__worker *ws__here;

/* ---- Fibers that are to run --------------------------------------------- */

/* With the lock held.  asleep is set under the lock, and only without mail: so
 * either the loop finds the mail, or this finds it asleep. */
static void ring(struct ws__worker *w)
{
    atomic_store(&w->has_mail, true);
    if (atomic_exchange(&w->asleep, false))
        (void)!write(w->bell, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void ws__worker_ready(struct ws__worker *w, struct ws__coroutine *f)
{
    if (w == ws__here) {
        ws__run_queue_append(&w->ready, f);
        return;
    }
    pthread_mutex_lock(&w->lock);
    ws__run_queue_append(&w->woken, f);
    ring(w);
    pthread_mutex_unlock(&w->lock);
}

void ws__worker_queue(struct ws__worker *w, struct ws__coroutine *f)
{
    ws__run_queue_append(&w->slow, f);
}

/* errno belongs to the thread, and other fibers change it meanwhile. */
void ws__worker_switch(struct ws__worker *w)
{
    struct ws__coroutine *f = w->current;
    int kept = errno;

    ws__context_switch(&f->context, &w->loop, false);
    errno = kept;
}

/* ---- Mail --------------------------------------------------------------- */

bool ws__worker_post(struct ws__worker *w, struct ws__post *p)
{
    p->next = NULL;
    pthread_mutex_lock(&w->lock);
    bool alive = !w->ended;
    if (alive) {
        if (w->last_post)
            w->last_post->next = p;
        else
            w->posts = p;
        w->last_post = p;
        ring(w);
    }
    pthread_mutex_unlock(&w->lock);
    return alive;
}

void ws__worker_wake(struct ws__worker *w)
{
    pthread_mutex_lock(&w->lock);
    ring(w);
    pthread_mutex_unlock(&w->lock);
}

void ws__worker_take_mail(struct ws__worker *w)
{
    struct ws__post *posts, *next;
    struct ws__coroutine *f;

    pthread_mutex_lock(&w->lock);
    atomic_store(&w->has_mail, false);
    posts = w->posts;
    w->posts = w->last_post = NULL;
    while ((f = ws__run_queue_take(&w->woken)) != NULL)
        ws__run_queue_append(&w->ready, f);
    pthread_mutex_unlock(&w->lock);
    for (; posts; posts = next) {
        next = posts->next;
        posts->fn(posts);
    }
}

/* ---- Beginning and end -------------------------------------------------- */

static void worker_free(struct ws__worker *w)
{
    if (w->bell >= 0)
        close(w->bell);
    if (w->epoll >= 0)
        close(w->epoll);
    pthread_mutex_destroy(&w->lock);
    ws_free(w);
}

static bool make_epoll(struct ws__worker *w)
{
    struct epoll_event e = { .events = EPOLLIN | EPOLLET };

    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->epoll >= 0 && w->bell >= 0 &&
           epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->bell, &e) == 0;
}

struct ws__worker *ws__worker_new(size_t stack_size)
{
    struct ws__worker *w = ws__zalloc(sizeof(*w));

    if (!w)
        return NULL;
    atomic_init(&w->holders, 1);
    pthread_mutex_init(&w->lock, NULL);
    w->now = ws_now();
    ws__wheel_init(&w->wheel, w->now);
    if (make_epoll(w) && ws__stack_cache_init(&w->stacks, stack_size) == 0)
        return w;
    worker_free(w);
    return NULL;
}

void ws__worker_ref(struct ws__worker *w)
{
    atomic_fetch_add_explicit(&w->holders, 1, memory_order_relaxed);
}

void ws__worker_unref(struct ws__worker *w)
{
    if (atomic_fetch_sub(&w->holders, 1) == 1)
        worker_free(w);
}

void ws__worker_hold(struct ws__worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->holds++;
    pthread_mutex_unlock(&w->lock);
}

/* Unlocking is the last that is done to w, which may end at once. */
void ws__worker_let_go(struct ws__worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->holds--;
    ring(w);
    pthread_mutex_unlock(&w->lock);
}
