/* SPDX-License-Identifier: MIT */

#include "fiber/thread_park.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <silverback/base.h>

#include "fiber/cond.h"
#include "fiber/parker.h"

enum { LOOK_MS = 20 };

struct thread {
    struct ws__parker parker; /* first: a parker is cast to this */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool made;
    bool token;
    bool polls;    /* waits in poll(2): ring the bell */
    bool has_bell; /* made when first needed */
    int bell;      /* an eventfd; not 0 if the token came while polling */
};

static _Thread_local struct thread self;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool has_key;

static void unmake(void *arg)
{
    struct thread *p = arg;

    ws__before_run_of(&p->parker);
    if (p->has_bell)
        close(p->bell);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    p->made = p->token = p->has_bell = false;
}

static void make_key(void)
{
    has_key = pthread_key_create(&at_thread_end, unmake) == 0;
}

static void make(struct thread *p)
{
    ws__cond_init(&p->wake);
    pthread_mutex_init(&p->lock, NULL);
    p->made = true;

    pthread_once(&once, make_key);
    if (has_key)
        pthread_setspecific(at_thread_end, p);
}

static struct thread *here(void)
{
    if (!self.made)
        make(&self);
    return &self;
}

struct ws__parker *ws__parker_of_thread(void)
{
    return &here()->parker;
}

int ws__thread_park(int64_t deadline)
{
    struct thread *p = here();
    int r = 0;

    pthread_mutex_lock(&p->lock);
    while (!p->token && r == 0)
        r = ws__cond_wait(&p->wake, &p->lock, deadline);
    bool woken = p->token;
    p->token = false;
    pthread_mutex_unlock(&p->lock);
    return woken ? 0 : WS_ERR_TIMEOUT;
}

/* The token is changed, and the bell rung, under the lock: it is rung exactly if
 * the token came while p polls. */
void ws__thread_unpark(struct ws__parker *parker)
{
    struct thread *p = (struct thread *)parker;

    pthread_mutex_lock(&p->lock);
    bool ring = p->polls && !p->token;
    p->token = true;
    if (ring)
        (void)!eventfd_write(p->bell, 1);
    else
        pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* Returns false if the token is there already, and takes it. */
static bool begin_poll(struct thread *p)
{
    pthread_mutex_lock(&p->lock);
    bool woken = p->token;
    p->token = false;
    p->polls = !woken;
    pthread_mutex_unlock(&p->lock);
    return !woken;
}

/* Returns whether the token came, and takes it. */
static bool end_poll(struct thread *p)
{
    eventfd_t rung;

    pthread_mutex_lock(&p->lock);
    bool woken = p->token;
    p->token = false;
    p->polls = false;
    if (woken)
        (void)!eventfd_read(p->bell, &rung);
    pthread_mutex_unlock(&p->lock);
    return woken;
}

/* The milliseconds left, for poll(2). */
static int left(int64_t deadline)
{
    if (deadline == 0)
        return -1;

    int64_t now = ws_now();
    if (deadline <= now)
        return 0;
    return deadline - now < INT_MAX ? (int)(deadline - now) : INT_MAX;
}

static int poll_until(struct pollfd *fds, nfds_t n, int64_t deadline)
{
    for (;;) {
        int ready = poll(fds, n, left(deadline));

        if (ready > 0)
            return fds[0].revents & POLLNVAL ? -EBADF : fds[0].revents;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0 && left(deadline) == 0)
            return WS_ERR_TIMEOUT;
    }
}

static bool make_bell(struct thread *p)
{
    p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->has_bell = p->bell >= 0;
    return p->has_bell;
}

static bool thread_take_token(struct thread *p)
{
    pthread_mutex_lock(&p->lock);
    bool woken = p->token;
    p->token = false;
    pthread_mutex_unlock(&p->lock);
    return woken;
}

/* Without a descriptor left for a bell the token is looked for now and then. */
static int poll_without_bell(struct thread *p, struct pollfd fds[static 2],
                             int64_t deadline)
{
    while (!thread_take_token(p)) {
        int64_t look = ws_now() + LOOK_MS;
        bool last = deadline != 0 && deadline <= look;
        int r = poll_until(fds, 2, last ? deadline : look);

        if (r != WS_ERR_TIMEOUT || last)
            return r;
    }
    return 0;
}

static int poll_or_token(struct pollfd fds[static 3], int64_t deadline)
{
    struct thread *p = here();

    if (!p->has_bell && !make_bell(p))
        return poll_without_bell(p, fds, deadline);
    if (!begin_poll(p))
        return 0;

    fds[2] = (struct pollfd){ .fd = p->bell, .events = POLLIN };
    int r = poll_until(fds, 3, deadline);
    return end_poll(p) ? 0 : r;
}

int ws__thread_park_fd(int fd, int events, int also, int64_t deadline,
                       bool alone)
{
    struct pollfd fds[3] = { { .fd = fd, .events = (short)events },
                             { .fd = also, .events = POLLIN } };

    return alone ? poll_until(fds, also < 0 ? 1 : 2, deadline)
                 : poll_or_token(fds, deadline);
}
