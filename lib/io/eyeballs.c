/* SPDX-License-Identifier: MIT */

#include "io/eyeballs.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/sock.h"
#include "io/wait.h"

enum {
    ATTEMPT_DELAY_MS = 250, /* RFC 8305, section 5 */
    ATTEMPTS_MAX = 16,      /* at a time; the oldest makes room */
};

/* The attempts under way, and the addresses that are left. */
struct race {
    int64_t deadline;
    ws_event *cancel;
    int poll; /* an epoll descriptor: one to wait for, for all of them */
    int family;
    const struct addrinfo *left[2]; /* of that family, and of any other */
    int turn;                       /* whose is the next */
    int fds[ATTEMPTS_MAX];          /* -1: none */
    unsigned started;
    unsigned running;
    int failed; /* why the first has */
};

/* ---- Addresses, the families in turn (RFC 8305, section 4) --------------- */

static const struct addrinfo *eyeballs_find(const struct addrinfo *a,
                                            int family, bool same)
{
    while (a && (a->ai_family == family) != same)
        a = a->ai_next;
    return a;
}

static const struct addrinfo *next_address(struct race *r)
{
    int line = r->left[r->turn] ? r->turn : !r->turn;
    const struct addrinfo *a = r->left[line];

    if (a)
        r->left[line] = eyeballs_find(a->ai_next, r->family, line == 0);
    r->turn = !line;
    return a;
}

/* ---- Attempts ----------------------------------------------------------- */

static void note_failure(struct race *r, int code)
{
    if (r->failed == 0)
        r->failed = code;
}

static void eyeballs_drop(struct race *r, int *fd)
{
    close(*fd);
    *fd = -1;
    r->running--;
}

/* Returns whether an attempt is under way. */
static bool eyeballs_start(struct race *r, const struct addrinfo *a)
{
    int *slot = &r->fds[r->started % ATTEMPTS_MAX];
    int fd = ws__connect_begin(a->ai_addr, a->ai_addrlen);
    struct epoll_event event = { .events = EPOLLOUT };

    event.data.ptr = slot;
    if (fd >= 0 && epoll_ctl(r->poll, EPOLL_CTL_ADD, fd, &event) != 0) {
        int err = errno;
        close(fd);
        fd = -err;
    }
    if (fd < 0) {
        note_failure(r, fd);
        return false;
    }
    if (*slot >= 0)
        eyeballs_drop(r, slot);
    *slot = fd;
    r->started++;
    r->running++;
    return true;
}

/* Returns the descriptor of an attempt that has come about, or -EAGAIN. */
static int reap(struct race *r)
{
    struct epoll_event done[ATTEMPTS_MAX];
    int n = epoll_wait(r->poll, done, ATTEMPTS_MAX, 0);

    for (int i = 0; i < n; i++) {
        int *slot = done[i].data.ptr, fd = *slot;
        int code = ws__connect_end(fd);

        if (code == 0) {
            *slot = -1;
            return fd;
        }
        note_failure(r, code);
        eyeballs_drop(r, slot);
    }
    return -EAGAIN;
}

/* Returns a descriptor, -EAGAIN when the next attempt may start, or why none
 * may. */
static int watch(struct race *r)
{
    int64_t until = r->deadline;

    if (r->left[0] || r->left[1]) {
        int64_t next = ws_after(ATTEMPT_DELAY_MS);
        until = until == 0 || next < until ? next : until;
    }

    int got = ws__wait(r->poll, POLLIN, until, r->cancel);
    if (got == WS_ERR_TIMEOUT && until != r->deadline)
        return -EAGAIN;
    return got < 0 ? got : reap(r);
}

static int race_run(struct race *r)
{
    for (;;) {
        const struct addrinfo *a = next_address(r);

        if (a && !eyeballs_start(r, a))
            continue;
        if (r->running == 0)
            return r->failed;
        int fd = watch(r);
        if (fd != -EAGAIN)
            return fd;
    }
}

int ws__connect_any(const struct addrinfo *list, int64_t deadline,
                    ws_event *cancel)
{
    if (!list->ai_next)
        return ws__connect(list->ai_addr, list->ai_addrlen, deadline, cancel);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return -errno;
    struct race r = {
        .poll = epoll,
        .deadline = deadline,
        .cancel = cancel,
        .family = list->ai_family,
        .left = { list, eyeballs_find(list, list->ai_family, false) },
    };
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        r.fds[i] = -1;

    int fd = race_run(&r);
    if (fd >= 0)
        epoll_ctl(r.poll, EPOLL_CTL_DEL, fd, NULL);
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        if (r.fds[i] >= 0)
            close(r.fds[i]);
    close(epoll);
    return fd;
}
