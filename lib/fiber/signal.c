/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "fiber/park.h"
#include "fiber/signal.h"
#include "fiber/thread.h"

/* What a signal does now, and what it did before. */
struct slot {
    ws_event *event; /* NULL: it is not ours */
    struct sigaction before;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of slots */
static struct slot slots[NSIG];

/* Guards the thread and started.  Locked before `lock`, and held while the
 * thread's end is waited for, which may want that one. */
static pthread_mutex_t life = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static bool started;
static atomic_bool ending;

/* The handler notes the signal, then wakes the helper thread by a byte.  If the
 * pipe is full the thread is about to look anyway. */
static atomic_bool arrived[NSIG];
static int
    bell[2]; /* once made it stays, since a handler may be about to ring */
static bool has_bell;

static void on_signal(int signum)
{
    int kept = errno;

    atomic_store(&arrived[signum], true);
    (void)!write(bell[1], "", 1);
    errno = kept;
}

/* Under the lock: once ws_notify has returned, the old event is not touched. */
static void deliver(int signum)
{
    pthread_mutex_lock(&lock);
    if (slots[signum].event)
        ws_event_set(slots[signum].event);
    pthread_mutex_unlock(&lock);
}

static void *helper(void *arg)
{
    char bytes[64];

    (void)arg;
    while (!atomic_load(&ending)) {
        ws__park_fd(bell[0], NULL, POLLIN, 0, true);
        while (read(bell[0], bytes, sizeof(bytes)) > 0)
            continue;
        for (int i = 1; i < NSIG; i++)
            if (atomic_exchange(&arrived[i], false))
                deliver(i);
    }
    return NULL;
}

static int signal_start(void)
{
    if (!has_bell && pipe2(bell, O_CLOEXEC | O_NONBLOCK) != 0)
        return -errno;
    has_bell = true;
    atomic_store(&ending, false);
    int r = ws__thread_start_deaf(&thread, helper, NULL);
    started = r == 0;
    return r;
}

static int install_slot(struct slot *s, ws_event *e, int signum)
{
    struct sigaction action = { .sa_handler = on_signal,
                                .sa_flags = SA_RESTART | SA_ONSTACK };

    sigemptyset(&action.sa_mask);
    if (!s->event && sigaction(signum, &action, &s->before) != 0)
        return -errno;
    s->event = e;
    return 0;
}

static int restore(struct slot *s, int signum)
{
    if (s->event && sigaction(signum, &s->before, NULL) != 0)
        return -errno;
    s->event = NULL;
    return 0;
}

int ws_notify(ws_event *e, int signum)
{
    if (signum <= 0 || signum >= NSIG)
        return -EINVAL;

    struct slot *s = &slots[signum];
    pthread_mutex_lock(&life);
    int r = e && !started ? signal_start() : 0;
    pthread_mutex_lock(&lock);
    if (r == 0)
        r = e ? install_slot(s, e, signum) : restore(s, signum);
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&life);
    return r;
}

static bool is_needed(void)
{
    bool any = false;

    pthread_mutex_lock(&lock);
    for (int i = 1; i < NSIG; i++)
        any = any || slots[i].event;
    pthread_mutex_unlock(&lock);
    return any;
}

void ws__signal_cleanup(void)
{
    pthread_mutex_lock(&life);
    if (started && !is_needed()) {
        atomic_store(&ending, true);
        (void)!write(bell[1], "", 1);
        pthread_join(thread, NULL);
        started = false;
    }
    pthread_mutex_unlock(&life);
}
