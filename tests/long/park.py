#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""park.py [PREEMPTIONS [LIMIT]] | --check

Plays the scenes of tests/park_scenes.h in all orders with at most so many
preemptions (2), at most LIMIT of each (40000; 0: all), and prints how many there
were: somebody who waits for ever in one, or has a lock that another one has, or
is woken after its end, is a fault of lib/fiber.

Then does the same with a fault put into it, one after the other: each has to be
found, and the line says where, and by how many orders.  Needs a C compiler and
cmocka, and no build of the tree.

--check tells only whether that can still be done."""

import sys

sys.dont_write_bytecode = True
from planted import Scenes  # noqa: E402

# Name, file, what goes, what comes.
FAULTS = [
    ("an unlock wakes nobody", "sync.c", """\
    if (ws__lock_let_go(m))
        ws__lot_wake(m, NULL, false);
""", """\
    (void)ws__lock_let_go(m);
"""),
    ("who has waited for a lock forgets who still does", "sync.c", """\
    return atomic_exchange(&m->state, CONTENDED) == FREE;
""", """\
    return atomic_exchange(&m->state, LOCKED) == FREE;
"""),
    ("a lock is looked at, and then taken", "sync.c", """\
    return atomic_compare_exchange_strong(&m->state, &unlocked, LOCKED);
""", """\
    if (atomic_load(&m->state) != unlocked)
        return false;
    atomic_store(&m->state, LOCKED);
    return true;
"""),
    ("who waits for a lock does not look whether it is free again", "sync.c",
     """\
    return ws__lock_is_contended(lock);
""", """\
    (void)lock;
    return true;
"""),
    ("an event is set after its waiters were woken", "sync.c", """\
    ws__lot_wake(e, set, true);
""", """\
    ws__lot_wake(e, NULL, true);
    set(e);
"""),
    ("an event wakes one of its waiters", "sync.c", """\
    ws__lot_wake(e, set, true);
""", """\
    ws__lot_wake(e, set, false);
"""),
    ("who was canceled is left in the other queue", "sync.c", """\
            canceled = cancel && !ws__lot_leave(&c);
""", """\
            canceled = cancel && !c.queued;
"""),
    ("a waiter looks before it takes the lock of the queue", "lot.c", """\
    pthread_mutex_lock(&b->lock);
    if (still(key))
        append(b, w);
""", """\
    bool waits = still(key);
    pthread_mutex_lock(&b->lock);
    if (waits)
        append(b, w);
"""),
    ("who is off the queue does not wait for its waker", "lot.c", """\
    pthread_mutex_lock(&b->lock);
    bool queued = w->queued;
    if (queued)
        take_off(b, w);
""", """\
    if (!w->queued)
        return false;
    pthread_mutex_lock(&b->lock);
    bool queued = w->queued;
    if (queued)
        take_off(b, w);
"""),
    ("a fiber leaves though it has its token", "fiber_park.c", """\
    if (takes_token &&
        !atomic_compare_exchange_strong(&f->token, &none, WS__WANTED))
        return fiber_take_token(f);
""", """\
    (void)none;
    if (takes_token)
        atomic_store(&f->token, WS__WANTED);
"""),
    ("a token that comes too late is dropped", "fiber_park.c", """\
    return !claimed && fiber_take_token(f);
""", """\
    bool token = fiber_take_token(f);
    return !claimed && token;
"""),
    ("whatever claims a fiber leaves its token wanted", "coroutine.h", """\
    if (f->takes_token &&
        !atomic_compare_exchange_strong(&f->token, &wanted, WS__NO_TOKEN))
        return false;
""", """\
    if (f->takes_token && atomic_load(&f->token) != wanted)
        return false;
"""),
    ("a fiber that waits for nobody gets no token", "fiber_park.c", """\
    if (atomic_exchange(&f->token, WS__TOKEN) == WS__WANTED)
        ws__worker_ready(f->worker, f);
""", """\
    if (atomic_load(&f->token) == WS__WANTED &&
        atomic_exchange(&f->token, WS__TOKEN) == WS__WANTED)
        ws__worker_ready(f->worker, f);
"""),
    ("a thread polls though it has its token", "thread_park.c", """\
    bool woken = p->token;
    p->token = false;
    p->polls = !woken;
    pthread_mutex_unlock(&p->lock);
    return !woken;
""", """\
    p->polls = true;
    pthread_mutex_unlock(&p->lock);
    return true;
"""),
    ("a thread that polls is not rung", "thread_park.c", """\
    if (ring)
        (void)!eventfd_write(p->bell, 1);
    else
        pthread_cond_signal(&p->wake);
""", """\
    (void)ring;
    pthread_cond_signal(&p->wake);
"""),
    ("a thread waits though it has its token", "thread_park.c", """\
    while (!p->token && r == 0)
        r = ws__cond_wait(&p->wake, &p->lock, deadline);
""", """\
    do
        r = ws__cond_wait(&p->wake, &p->lock, deadline);
    while (!p->token && r == 0);
"""),
    ("a loop sleeps though there is mail", "worker_run.c", """\
    bool quiet = !atomic_load(&w->has_mail);
""", """\
    bool quiet = true;
"""),
    ("a loop is asleep when it has looked, without the lock", "worker_run.c",
     """\
    pthread_mutex_lock(&w->lock);
    bool quiet = !atomic_load(&w->has_mail);
    atomic_store(&w->asleep, quiet);
    pthread_mutex_unlock(&w->lock);
    return quiet;
""", """\
    bool quiet = !atomic_load(&w->has_mail);
    atomic_store(&w->asleep, quiet);
    return quiet;
"""),
    ("mail is looked at, and then forgotten", "worker.c", """\
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->has_mail, false);
    posts = w->posts;
    w->posts = w->last_post = NULL;
    while ((f = ws__run_queue_take(&w->woken)) != NULL)
        ws__run_queue_append(&w->ready, f);
    pthread_mutex_unlock(&w->lock);
""", """\
    pthread_mutex_lock(&w->lock);
    posts = w->posts;
    w->posts = w->last_post = NULL;
    while ((f = ws__run_queue_take(&w->woken)) != NULL)
        ws__run_queue_append(&w->ready, f);
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->has_mail, false);
"""),
    ("a bell is rung before there is mail", "worker.c", """\
    atomic_store(&w->has_mail, true);
    if (atomic_exchange(&w->asleep, false))
        (void)!write(w->bell, &(uint64_t){ 1 }, sizeof(uint64_t));
""", """\
    if (atomic_exchange(&w->asleep, false))
        (void)!write(w->bell, &(uint64_t){ 1 }, sizeof(uint64_t));
    atomic_store(&w->has_mail, w->posts != NULL);
"""),
    ("a worker ends with mail", "worker_run.c", """\
    w->ended = w->holds == 0 && !w->posts;
""", """\
    w->ended = w->holds == 0;
"""),
]

if __name__ == "__main__":
    sys.exit(Scenes("park", [], "fiber", FAULTS).main("2", "40000"))
