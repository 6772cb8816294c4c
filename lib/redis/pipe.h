/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_PIPE_H
#define WS_REDIS_PIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "redis/command.h"
#include "redis/reply.h"
#include "redis/session.h"

/*
 * One connection for many callers: what they ask goes out as it comes, and answers
 * are theirs in order.  It connects when there is something to ask, and again
 * after a while when it broke.
 */
struct ws__redis_pipe;

/* NULL: there is no memory. */
struct ws__redis_pipe *ws__redis_pipe_new(const struct ws__redis_way *way,
                                          ws__redis_find find, void *arg);

/* Nobody may be using it, nor run it; NULL is fine. */
void ws__redis_pipe_free(struct ws__redis_pipe *p);

/* Run it, until ws__redis_pipe_stop is called, from any thread: then calls
 * return WS_ERR_CANCELED. */
void ws__redis_pipe_run(struct ws__redis_pipe *p);
void ws__redis_pipe_stop(struct ws__redis_pipe *p);

/* Have it connect anew, wherever the server is now.  From any thread. */
void ws__redis_pipe_reset(struct ws__redis_pipe *p);

/* Nothing is to be asked here any more, or again.  From any thread. */
void ws__redis_pipe_turn_away(struct ws__redis_pipe *p, bool away);

/*
 * Have a command done; asking as in redis/call.  From any fiber or thread.
 * Returns 0 and *reply, which is the caller's and may be an error; WS_ERR_TIMEOUT,
 * WS_ERR_CANCELED, WS_ERR_DEAD when the connection broke, -EHOSTUNREACH from one
 * that turns callers away, or what ws__redis_format does.  *done: it may have
 * been done, although there is no answer.  *err (may be NULL) says why.
 */
int ws__redis_pipe_call(struct ws__redis_pipe *p,
                        const struct ws__redis_command *c, bool asking,
                        int64_t deadline, struct ws__redis_reply **reply,
                        bool *done, ws_error *err);

#endif
