/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_LISTENER_H
#define WS_REDIS_LISTENER_H

#include "base/str.h"

/*
 * Who listens to channels.  Called in the client's thread, in a fiber that reads
 * nothing more until they return: they must not wait for Redis, but may start
 * fibers that do.
 */
struct ws__redis_listener {
    /* What was published there. */
    void (*message)(struct ws__str channel, struct ws__str data, void *arg);

    /* What is published there from now on comes.  What was before may have been
     * missed: called again after each time that it was lost, or not wanted. */
    void (*subscribed)(struct ws__str channel, void *arg);

    /* What is published there comes no more, until it is subscribed again, as it
     * will be unasked. */
    void (*lost)(struct ws__str channel, void *arg);

    /* The server refuses the channel (NULL: it is logged alone), which is asked
     * for again after a second. */
    void (*refused)(struct ws__str channel, struct ws__str why, void *arg);

    void *arg;
};

#endif
