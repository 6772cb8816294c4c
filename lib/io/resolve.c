/* SPDX-License-Identifier: MIT */

#include "io/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "fiber/task.h"

/* How long others join a look-up that is under way: a resolver gives up by then,
 * unless it is told to be more patient (see resolv.conf(5)). */
enum { STALE_MS = 10 * 1000 };

/* A look-up, by the helper that does it and all who want the same. */
struct lookup {
    struct ws__task task; /* first: cast to this */
    struct lookup *next;  /* among those that are not over */
    int64_t began;        /* 0: it waits for a helper */
    char *host;
    char *port;
    struct addrinfo *list;
    int failed;       /* EAI_* */
    int system_error; /* errno, if that is EAI_SYSTEM */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list, */
static struct lookup *running;                           /* began and next */

static int ask(const char *host, const char *port, int flags,
               struct addrinfo **list)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = flags | AI_NUMERICSERV,
    };

    int failed = getaddrinfo(host, port, &hints, list);
    if (failed)
        *list = NULL;
    return failed;
}

/* ---- One look-up for all who want the same ------------------------------- */

static void lookup_free(struct ws__task *t)
{
    struct lookup *l = (struct lookup *)t;

    if (l->list)
        freeaddrinfo(l->list);
    ws_free(l->host);
    ws_free(l->port);
    ws_free(l);
}

static void unlist(struct lookup *l)
{
    struct lookup **at = &running;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
}

/* Returns whether somebody still wants it. */
static bool lookup_begin(struct lookup *l)
{
    pthread_mutex_lock(&lock);
    bool wanted = !ws__task_is_left(&l->task);
    if (wanted)
        l->began = ws_now();
    else
        unlist(l);
    pthread_mutex_unlock(&lock);
    return wanted;
}

static void lookup_run(struct ws__task *t)
{
    struct lookup *l = (struct lookup *)t;

    if (!lookup_begin(l))
        return;
    l->failed = ask(l->host, l->port, 0, &l->list);
    l->system_error = errno;
    pthread_mutex_lock(&lock);
    unlist(l);
    pthread_mutex_unlock(&lock);
}

static struct lookup *lookup_new(const char *host, const char *port)
{
    struct lookup *l = ws__zalloc(sizeof(*l));

    if (!l)
        return NULL;
    ws__task_init(&l->task, lookup_run, lookup_free);
    l->host = ws__strdup(host);
    l->port = ws__strdup(port);
    if (l->host && l->port)
        return l;
    lookup_free(&l->task);
    return NULL;
}

static bool is_same(const struct lookup *l, const char *host, const char *port)
{
    return strcmp(l->host, host) == 0 && strcmp(l->port, port) == 0 &&
           (l->began == 0 || ws_now() - l->began < STALE_MS);
}

/* With the lock held. */
static struct lookup *resolve_find(const char *host, const char *port)
{
    struct lookup *l = running;

    while (l && !is_same(l, host, port))
        l = l->next;
    if (l)
        ws__task_hold(&l->task);
    return l;
}

/* With the lock held.  If it cannot be started it is taken off the list again. */
static int resolve_start(struct lookup *l)
{
    int r = ws__task_start(&l->task, WS__FOR_NAMES);

    if (r != 0)
        return r;
    l->next = running;
    running = l;
    return 0;
}

static int find_or_start(const char *host, const char *port,
                         struct lookup **found)
{
    int r = 0;

    pthread_mutex_lock(&lock);
    struct lookup *l = resolve_find(host, port);
    if (!l) {
        l = lookup_new(host, port);
        r = l ? resolve_start(l) : -ENOMEM;
    }
    pthread_mutex_unlock(&lock);
    *found = l;
    return r;
}

/* ---- Its answer ---------------------------------------------------------- */

/* An address with room for any. */
struct entry {
    struct addrinfo info; /* first: cast to this */
    struct sockaddr_storage address;
};

/* Copy a list of addresses into one block. */
static struct addrinfo *copy(const struct addrinfo *list)
{
    size_t n = 0;

    for (const struct addrinfo *a = list; a; a = a->ai_next)
        n++;
    struct entry *e = ws__zalloc(n * sizeof(*e));
    if (!e)
        return NULL;
    for (size_t i = 0; i < n; i++, list = list->ai_next) {
        e[i].info = *list;
        e[i].info.ai_canonname = NULL;
        e[i].info.ai_addr = (struct sockaddr *)&e[i].address;
        e[i].info.ai_next = i + 1 < n ? &e[i + 1].info : NULL;
        memcpy(&e[i].address, list->ai_addr, list->ai_addrlen);
    }
    return &e->info;
}

static int resolve_fail(ws_error *err, const char *host, const char *port,
                        int r)
{
    return ws__fail(err, r, "resolve %s:%s: %s", host, port, ws_strerror(r));
}

static int resolve_refused(ws_error *err, const char *host, const char *port,
                           int failed, int system_error)
{
    if (failed == EAI_MEMORY)
        return resolve_fail(err, host, port, -ENOMEM);
    return ws__fail(err, WS_ERR_RESOLVE, "resolve %s:%s: %s", host, port,
                    failed == EAI_SYSTEM ? ws_strerror(-system_error)
                                         : gai_strerror(failed));
}

static int take_answer(const struct lookup *l, struct addrinfo **list,
                       ws_error *err)
{
    if (l->failed)
        return resolve_refused(err, l->host, l->port, l->failed,
                               l->system_error);
    *list = copy(l->list);
    return *list ? 0 : resolve_fail(err, l->host, l->port, -ENOMEM);
}

static int resolve_name(const char *host, const char *port, int64_t deadline,
                        ws_event *cancel, struct addrinfo **list, ws_error *err)
{
    struct lookup *l;
    int r = find_or_start(host, port, &l);

    if (!l)
        return resolve_fail(err, host, port, r);
    if (r == 0)
        r = ws__task_wait(&l->task, deadline, cancel);
    r = r == 0 ? take_answer(l, list, err) : resolve_fail(err, host, port, r);
    ws__task_let_go(&l->task);
    return r;
}

static int resolve_number(const char *host, const char *port,
                          struct addrinfo *numbers, struct addrinfo **list,
                          ws_error *err)
{
    *list = copy(numbers);
    freeaddrinfo(numbers);
    return *list ? 0 : resolve_fail(err, host, port, -ENOMEM);
}

bool ws__is_localhost(const char *host)
{
    return ws__equal_nocase(host, "localhost");
}

int ws__resolve(const char *host, const char *port, int64_t deadline,
                ws_event *cancel, struct addrinfo **list, ws_error *err)
{
    bool local = ws__is_localhost(host);
    struct addrinfo *numbers;
    int failed =
        ask(local ? NULL : host, port, local ? 0 : AI_NUMERICHOST, &numbers);

    *list = NULL;
    if (failed == 0)
        return resolve_number(host, port, numbers, list, err);
    if (failed != EAI_NONAME)
        return resolve_refused(err, host, port, failed, errno);
    return resolve_name(host, port, deadline, cancel, list, err);
}

void ws__resolve_free(struct addrinfo *list)
{
    ws_free(list);
}
