/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_CALL_H
#define WS_REDIS_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "redis/command.h"
#include "redis/reply.h"

/*
 * A command under way: its caller's, who waits for over; unless the caller has
 * left, then that of who runs it.  What changes is under the lock of who runs it,
 * and the caller's again once over is set, with that lock held.
 */
struct ws__redis_call {
    struct ws__redis_call *next; /* in a list */
    struct ws__redis_call *prev;
    char *bytes; /* NULL: they are put */
    size_t len;
    int replies; /* yet to come: the last is the one */
    bool sent;   /* or about to be: the server may have done it */
    bool finished;
    bool left; /* the caller has given it up */
    int code;
    struct ws__redis_reply *reply;
    ws_event over;
};

/* A command; asking: the one that a cluster's node was redirected to by ASK.
 * Returns 0, or what ws__redis_format does. */
int ws__redis_call_new(struct ws__redis_call **call,
                       const struct ws__redis_command *c, bool asking);
void ws__redis_call_free(struct ws__redis_call *call);

/* It is done: with code, and reply, which it takes.  Frees one that was left. */
void ws__redis_call_finish(struct ws__redis_call *call, int code,
                           struct ws__redis_reply *reply);

/* Calls in their order. */
struct ws__redis_calls {
    struct ws__redis_call *first;
    struct ws__redis_call *last;
};

void ws__redis_calls_add(struct ws__redis_calls *l,
                         struct ws__redis_call *call);
void ws__redis_calls_remove(struct ws__redis_calls *l,
                            struct ws__redis_call *call);

/* Finish all of them with code. */
void ws__redis_calls_fail(struct ws__redis_calls *l, int code);

#endif
