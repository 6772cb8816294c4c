/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_SUBSCRIPTION_H
#define WS_REDIS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "redis/listener.h"
#include "redis/session.h"

/*
 * One connection that is subscribed to channels.  It connects when there is a
 * channel that is wanted, and again when it broke.  Nothing but PING is asked on
 * it: what is published comes between answers.
 */
struct ws__redis_subscription;

/* sharded: by SSUBSCRIBE, to channels of the server's slots.  What is handed in
 * stays as long as it does.  NULL: there is no memory. */
struct ws__redis_subscription *ws__redis_subscription_new(
    const struct ws__redis_way *way, ws__redis_find find, void *arg,
    bool sharded, const struct ws__redis_listener *listener);

/* Nobody may be using it, nor run it; NULL is fine. */
void ws__redis_subscription_free(struct ws__redis_subscription *s);

void ws__redis_subscription_run(struct ws__redis_subscription *s);
void ws__redis_subscription_stop(struct ws__redis_subscription *s);
void ws__redis_subscription_reset(struct ws__redis_subscription *s);

/* Want a channel, or want it no longer; which waits for nothing, and from any
 * thread.  Returns 0 or -ENOMEM. */
int ws__redis_subscription_add(struct ws__redis_subscription *s,
                               struct ws__str channel);
void ws__redis_subscription_remove(struct ws__redis_subscription *s,
                                   struct ws__str channel);

#endif
