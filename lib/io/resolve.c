/* SPDX-License-Identifier: MIT */

#include "io/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/offload.h"
#include "io/sock.h"
#include "io/wait.h"

/*
 * A look-up on a helper thread.  The thread and the waiter hold it; who lets go
 * last frees it, with the answer that nobody took.
 */
struct job {
    struct ws__job job; /* first: cast to this */
    atomic_int holders;
    int done[2]; /* a pipe: the thread closes [1], the waiter [0] */
    char *host;
    char *port;
    struct addrinfo *list;
    int failed;       /* EAI_* */
    int system_error; /* errno, if that is EAI_SYSTEM */
};

static int look_up(const char *host, const char *port, int flags,
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

static void job_free(struct job *j)
{
    ws__resolve_free(j->list);
    ws_free(j->host);
    ws_free(j->port);
    ws_free(j);
}

static void job_release(struct job *j)
{
    if (atomic_fetch_sub(&j->holders, 1) == 1)
        job_free(j);
}

static struct job *job_new(const char *host, const char *port)
{
    struct job *j = ws__zalloc(sizeof(*j));

    if (!j)
        return NULL;
    j->host = ws__strdup(host);
    j->port = ws__strdup(port);
    if (j->host && j->port)
        return j;
    job_free(j);
    return NULL;
}

/* Lets go before it closes the pipe: the waiter that sees the pipe closed is the
 * last holder. */
static void job_run(struct ws__job *job)
{
    struct job *j = (struct job *)job;
    int done = j->done[1];

    j->failed = look_up(j->host, j->port, 0, &j->list);
    j->system_error = errno;
    job_release(j);
    close(done);
}

static int job_start(struct job *j)
{
    if (pipe2(j->done, O_CLOEXEC) != 0)
        return -errno;
    atomic_init(&j->holders, 2);

    j->job.fn = job_run;
    int r = ws__offload(&j->job);
    if (r != 0) {
        close(j->done[0]);
        close(j->done[1]);
    }
    return r;
}

static int fail_look_up(ws_error *err, const char *host, const char *port,
                        int failed, int system_error)
{
    if (failed == EAI_MEMORY)
        return ws__fail(err, -ENOMEM, "resolve %s:%s: no memory", host, port);
    return ws__fail(err, WS_ERR_RESOLVE, "resolve %s:%s: %s", host, port,
                    failed == EAI_SYSTEM ? ws_strerror(-system_error)
                                         : gai_strerror(failed));
}

static int job_wait(struct job *j, int64_t deadline, ws_event *cancel,
                    struct addrinfo **list, ws_error *err)
{
    int r = ws__wait(j->done[0], POLLIN, deadline, cancel);

    close(j->done[0]);
    if (r < 0)
        return ws__fail(err, r, "resolve %s:%s: %s", j->host, j->port,
                        ws_strerror(r));
    atomic_load(&j->holders); /* orders what follows after the thread's end */
    if (j->failed)
        return fail_look_up(err, j->host, j->port, j->failed, j->system_error);
    *list = j->list;
    j->list = NULL;
    return 0;
}

static int look_up_elsewhere(const char *host, const char *port,
                             int64_t deadline, ws_event *cancel,
                             struct addrinfo **list, ws_error *err)
{
    struct job *j = job_new(host, port);
    int r = j ? job_start(j) : -ENOMEM;

    if (r == 0) {
        r = job_wait(j, deadline, cancel, list, err);
        job_release(j);
        return r;
    }
    if (j)
        job_free(j);
    return ws__fail(err, r, "resolve %s:%s: %s", host, port, ws_strerror(r));
}

int ws__resolve(const char *host, const char *port, int64_t deadline,
                ws_event *cancel, struct addrinfo **list, ws_error *err)
{
    bool local = ws__is_localhost(host);
    int failed =
        look_up(local ? NULL : host, port, local ? 0 : AI_NUMERICHOST, list);

    if (failed == 0)
        return 0;
    if (failed != EAI_NONAME)
        return fail_look_up(err, host, port, failed, errno);
    return look_up_elsewhere(host, port, deadline, cancel, list, err);
}

void ws__resolve_free(struct addrinfo *list)
{
    if (list)
        freeaddrinfo(list);
}
