/* SPDX-License-Identifier: MIT */

#include "faults.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <silverback/base.h>

#include "../openssl_alloc.h"

static struct fault plan;
static atomic_bool counting, fired;
static atomic_long counts[FAULT_PLACES], alive[FAULT_PLACES];

void faults_begin(const struct fault *f)
{
    plan = *f;
    for (int i = 0; i < FAULT_PLACES; i++)
        atomic_store(&counts[i], 0);
    atomic_store(&fired, false);
    atomic_store(&counting, true);
}

void faults_end(void)
{
    atomic_store(&counting, false);
}

long faults_count(enum fault_place place)
{
    return atomic_load(&counts[place]);
}

bool faults_fired(void)
{
    return atomic_load(&fired);
}

long faults_alive(enum fault_place place)
{
    return atomic_load(&alive[place]);
}

/* How this request fails; 0: it does not. */
static int fault_now(enum fault_place place)
{
    if (!atomic_load(&counting))
        return 0;

    long n = atomic_fetch_add(&counts[place], 1) + 1;
    if (place != plan.place || plan.at == 0 || n < plan.at ||
        (n > plan.at && !plan.for_good))
        return 0;
    atomic_store(&fired, true);
    return plan.how;
}

/* Returns whether this request fails, and sets errno. */
static bool fails(enum fault_place place)
{
    int how = fault_now(place);

    if (how != 0)
        errno = how;
    return how != 0;
}

/* ---- Memory ------------------------------------------------------------- */

static void *memory(enum fault_place place, void *ptr, size_t size)
{
    if (size == 0) {
        if (ptr)
            atomic_fetch_sub(&alive[place], 1);
        free(ptr);
        return NULL;
    }
    if (fault_now(place) != 0)
        return NULL;
    void *p = realloc(ptr, size);
    if (p && !ptr)
        atomic_fetch_add(&alive[place], 1);
    return p;
}

static void *library_memory(void *ptr, size_t size, void *arg)
{
    (void)arg;
    return memory(FAULT_MEMORY, ptr, size);
}

static void *openssl_memory(void *ptr, size_t size, void *arg)
{
    (void)arg;
    return memory(FAULT_OPENSSL, ptr, size);
}

void faults_install(void)
{
    ws_set_allocator(library_memory, NULL);
    openssl_alloc_install(openssl_memory);
}

/* ---- Edges -------------------------------------------------------------- */

/*
 * A call that is said to have found nothing, or less than there is, leaves
 * something behind of which epoll has told already.  In truth more would come
 * later, with an event of its own: so what is watched is watched anew.
 */
enum { WATCHED = 1024 };

static struct watched {
    int epoll;
    struct epoll_event event;
} watched[WATCHED];

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e);

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
    if (op != EPOLL_CTL_DEL && fails(FAULT_EPOLL_CTL))
        return -1;
    int r = __real_epoll_ctl(epoll, op, fd, e);
    if (r != 0 || fd >= WATCHED)
        return r;
    bool edges = op != EPOLL_CTL_DEL && (e->events & EPOLLET);
    watched[fd] = edges ? (struct watched){ epoll, *e } : (struct watched){ 0 };
    return r;
}

static void tell_again(int fd)
{
    struct watched w = fd < WATCHED ? watched[fd] : (struct watched){ 0 };

    if (w.event.events == 0)
        return;
    __real_epoll_ctl(w.epoll, EPOLL_CTL_DEL, fd, NULL);
    __real_epoll_ctl(w.epoll, EPOLL_CTL_ADD, fd, &w.event);
}

/* ---- Bytes -------------------------------------------------------------- */

/* Returns whether the call is to be made; with *n bytes at most. */
static bool goes_on(enum fault_place place, int fd, size_t *n)
{
    int how = fault_now(place);

    if (how == EAGAIN || how == FAULT_SHORT)
        tell_again(fd);
    if (how == FAULT_SHORT && *n > 1)
        *n = 1;
    if (how == 0 || how == FAULT_SHORT)
        return true;
    errno = how;
    return false;
}

ssize_t __real_recv(int fd, void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t __real_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

ssize_t __wrap_recv(int fd, void *p, size_t n, int flags)
{
    return goes_on(FAULT_RECV, fd, &n) ? __real_recv(fd, p, n, flags) : -1;
}

ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
    return goes_on(FAULT_SEND, fd, &n) ? __real_send(fd, p, n, flags) : -1;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct iovec first = m->msg_iov[0];
    struct msghdr part = { .msg_iov = &first, .msg_iovlen = 1 };
    size_t n = SIZE_MAX;

    if (!goes_on(FAULT_SENDMSG, fd, &n))
        return -1;
    first.iov_len = 1;
    return __real_sendmsg(fd, n == 1 ? &part : m, flags);
}

long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list ap;

    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    size_t n = (size_t)a[2];
    if (number == SYS_recvfrom && !goes_on(FAULT_RECV, (int)a[0], &n))
        return -1;
    if (number == SYS_sendto && !goes_on(FAULT_SEND, (int)a[0], &n))
        return -1;
    return __real_syscall(number, a[0], a[1], n, a[3], a[4], a[5]);
}

ssize_t faults_real_recv(int fd, void *p, size_t n, int flags)
{
    return __real_recv(fd, p, n, flags);
}

ssize_t faults_real_send(int fd, const void *p, size_t n, int flags)
{
    return __real_send(fd, p, n, flags);
}

/* ---- Descriptors -------------------------------------------------------- */

int __real_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *a, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t len);
int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);

int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
    size_t n = 0;

    return goes_on(FAULT_ACCEPT, fd, &n) ? __real_accept4(fd, a, len, flags)
                                         : -1;
}

int __wrap_socket(int domain, int type, int protocol)
{
    return fails(FAULT_SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

/* One that a signal interrupts goes on by itself, and so does one that takes its
 * time. */
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t len)
{
    int how = fault_now(FAULT_CONNECT);
    bool goes_on = how == 0 || how == EINTR || how == EINPROGRESS;
    int r = goes_on ? __real_connect(fd, a, len) : -1;

    if (how != 0)
        errno = how;
    return how != 0 ? -1 : r;
}

int __wrap_eventfd(unsigned value, int flags)
{
    return fails(FAULT_EVENTFD) ? -1 : __real_eventfd(value, flags);
}

/* ---- Waiting ------------------------------------------------------------ */

int __real_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __real_epoll_wait(int epoll, struct epoll_event *e, int n, int ms);
int __wrap_epoll_wait(int epoll, struct epoll_event *e, int n, int ms);

int __wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
    return fails(FAULT_POLL) ? -1 : __real_poll(p, n, ms);
}

int __wrap_epoll_create1(int flags)
{
    return fails(FAULT_EPOLL_CREATE) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_wait(int epoll, struct epoll_event *e, int n, int ms)
{
    return fails(FAULT_EPOLL_WAIT) ? -1 : __real_epoll_wait(epoll, e, n, ms);
}

/* ---- The rest ----------------------------------------------------------- */

int __real_getentropy(void *p, size_t n);
int __wrap_getentropy(void *p, size_t n);
int __real_getaddrinfo(const char *host, const char *port,
                       const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *port,
                       const struct addrinfo *hints, struct addrinfo **out);

int __wrap_getentropy(void *p, size_t n)
{
    return fails(FAULT_ENTROPY) ? -1 : __real_getentropy(p, n);
}

/* All names are this machine's, whatever it has to say about names. */
int __wrap_getaddrinfo(const char *host, const char *port,
                       const struct addrinfo *hints, struct addrinfo **out)
{
    int how = fault_now(FAULT_NAME);

    if (how == 0)
        return __real_getaddrinfo("127.0.0.1", port, hints, out);
    (void)host;
    errno = EMFILE;
    return how;
}

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *), void *arg);

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *), void *arg)
{
    int how = fault_now(FAULT_THREAD);

    return how != 0 ? how : __real_pthread_create(t, a, fn, arg);
}

/* ---- Which there are ---------------------------------------------------- */

static const struct {
    const char *name;
    int ways[12];
} places[FAULT_PLACES] = {
    [FAULT_MEMORY] = { "memory", { ENOMEM } },
    [FAULT_OPENSSL] = { "OpenSSL's memory", { ENOMEM } },
    [FAULT_RECV] = { "recv",
                     { EINTR, EAGAIN, FAULT_SHORT, ECONNRESET, ETIMEDOUT,
                       ENOBUFS, ENOMEM } },
    [FAULT_SEND] = { "send",
                     { EINTR, EAGAIN, FAULT_SHORT, ECONNRESET, EPIPE, ETIMEDOUT,
                       ENOBUFS, ENOMEM } },
    [FAULT_SENDMSG] = { "sendmsg",
                        { EINTR, EAGAIN, FAULT_SHORT, ECONNRESET, EPIPE,
                          ETIMEDOUT, ENOBUFS, ENOMEM } },
    [FAULT_ACCEPT] = { "accept4",
                       { EINTR, EAGAIN, ECONNABORTED, ECONNRESET, ETIMEDOUT,
                         EPROTO, EPERM, EMFILE, ENFILE, ENOBUFS, ENOMEM } },
    [FAULT_SOCKET] = { "socket", { EMFILE, ENFILE, ENOBUFS, ENOMEM } },
    [FAULT_CONNECT] = { "connect",
                        { EINTR, EINPROGRESS, EAGAIN, EADDRNOTAVAIL,
                          ECONNREFUSED, ECONNRESET, ETIMEDOUT, ENETUNREACH,
                          ENOBUFS, ENOMEM } },
    [FAULT_POLL] = { "poll", { EINTR, EAGAIN, ENOMEM } },
    [FAULT_EPOLL_CREATE] = { "epoll_create1", { EMFILE, ENFILE, ENOMEM } },
    [FAULT_EPOLL_CTL] = { "epoll_ctl", { ENOMEM, ENOSPC } },
    [FAULT_EPOLL_WAIT] = { "epoll_wait", { EINTR } },
    [FAULT_EVENTFD] = { "eventfd", { EMFILE, ENFILE, ENOMEM } },
    [FAULT_ENTROPY] = { "getentropy", { EINTR, EAGAIN, EIO, ENOSYS } },
    [FAULT_NAME] = { "getaddrinfo",
                     { EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME,
                       EAI_SYSTEM } },
    [FAULT_THREAD] = { "pthread_create", { EAGAIN } },
};

const int *faults_ways(enum fault_place place)
{
    return places[place].ways;
}

/* A connection that was not accepted is still in the queue. */
bool faults_recoverable(const struct fault *f)
{
    switch (f->place) {
    case FAULT_RECV:
    case FAULT_SEND:
    case FAULT_SENDMSG:
        return f->how == EINTR || f->how == EAGAIN || f->how == FAULT_SHORT;
    case FAULT_ACCEPT:
    case FAULT_EPOLL_WAIT:
        return true;
    case FAULT_CONNECT:
        return f->how == EINTR || f->how == EINPROGRESS;
    case FAULT_POLL:
        return f->how == EINTR;
    default:
        return f->at == 0;
    }
}

const char *faults_text(const struct fault *f, char *out, size_t n)
{
    const char *how = f->how == FAULT_SHORT ? "one byte"
                      : f->how < 0          ? gai_strerror(f->how)
                                            : strerror(f->how);

    if (f->at == 0)
        return "no fault";
    snprintf(out, n, "%s %ld%s: %s", places[f->place].name, f->at,
             f->for_good ? " and all that follow" : "", how);
    return out;
}
