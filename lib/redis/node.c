/* SPDX-License-Identifier: MIT */

#include "redis/node.h"

#include <errno.h>

#include "base/alloc.h"

static int node_host(struct ws__redis_host *h, int64_t deadline,
                     ws_event *cancel, void *arg, ws_error *err)
{
    const struct ws__redis_node *n = arg;

    (void)deadline;
    (void)cancel;
    (void)err;
    *h = n->host;
    return 0;
}

struct ws__redis_node *ws__redis_node_new(
    const struct ws__redis_way *way, const struct ws__redis_host *host,
    ws__redis_find find, void *arg, bool sharded,
    const struct ws__redis_listener *listener)
{
    struct ws__redis_node *n = ws__zalloc(sizeof(*n));

    if (!n)
        return NULL;
    if (host)
        n->host = *host;
    if (!find) {
        find = node_host;
        arg = n;
    }
    n->pipe = ws__redis_pipe_new(way, find, arg);
    n->subscription =
        ws__redis_subscription_new(way, find, arg, sharded, listener);
    if (!n->pipe || !n->subscription) {
        ws__redis_node_free(n);
        return NULL;
    }
    return n;
}

void ws__redis_node_free(struct ws__redis_node *n)
{
    if (!n)
        return;
    ws__redis_pipe_free(n->pipe);
    ws__redis_subscription_free(n->subscription);
    ws_free(n);
}

static void node_run_pipe(void *arg)
{
    ws__redis_pipe_run(arg);
}

static void node_run_subscription(void *arg)
{
    ws__redis_subscription_run(arg);
}

int ws__redis_node_start(struct ws__redis_node *n)
{
    if (!n->fibers[0])
        n->fibers[0] = ws_go(node_run_pipe, n->pipe);
    if (!n->fibers[1])
        n->fibers[1] = ws_go(node_run_subscription, n->subscription);
    return n->fibers[0] && n->fibers[1] ? 0 : -ENOMEM;
}

void ws__redis_node_stop(struct ws__redis_node *n)
{
    ws__redis_pipe_stop(n->pipe);
    ws__redis_subscription_stop(n->subscription);
}

void ws__redis_node_join(struct ws__redis_node *n)
{
    for (int i = 0; i < 2; i++) {
        ws_join(n->fibers[i]);
        n->fibers[i] = NULL;
    }
}

void ws__redis_node_reset(struct ws__redis_node *n)
{
    ws__redis_pipe_reset(n->pipe);
    ws__redis_subscription_reset(n->subscription);
}
