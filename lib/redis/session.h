/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_SESSION_H
#define WS_REDIS_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "base/backoff.h"
#include "redis/link.h"

/* Where to connect to, asked before each attempt in the fiber that connects.
 * Returns 0, or a code and *err says why: by the deadline, unless cancel is set. */
typedef int (*ws__redis_find)(struct ws__redis_host *h, int64_t deadline,
                              ws_event *cancel, void *arg, ws_error *err);

/*
 * A link that is made again when it broke, and found out to be dead: what those
 * that ask (redis/pipe) and those that listen (redis/subscription) have in
 * common.  One fiber runs it; the lock is for what others say to it, the owner's
 * too.  They may hold locks of their own: so it is one that does not park, and
 * nothing is waited for with it held.
 */
struct ws__redis_session {
    const struct ws__redis_way *way;
    ws__redis_find find;
    void *arg;

    /* The fiber's: */
    struct ws__redis_link link;
    struct ws__backoff backoff;
    int64_t not_before; /* the next attempt */
    int64_t pinged_at;  /* since nothing was heard; 0: not */

    ws_event stop;
    ws_event wake; /* set whenever something under the lock has changed */
    pthread_mutex_t lock;
    ws_error why; /* there is no link; code 0: there is, or was none yet */
    bool reset;
    bool stopping;
};

void ws__redis_session_init(struct ws__redis_session *s,
                            const struct ws__redis_way *way,
                            ws__redis_find find, void *arg);
void ws__redis_session_fini(struct ws__redis_session *s);

/* From any thread: have it end; or have it connect anew. */
void ws__redis_session_stop(struct ws__redis_session *s);
void ws__redis_session_reset(struct ws__redis_session *s);

/* Wait until there is something to do (asked with the lock held), and the next
 * attempt is due.  Returns false when it is to end. */
bool ws__redis_session_wait(struct ws__redis_session *s,
                            bool (*work)(void *owner), void *owner);

/* Connect.  Returns 0 or a code, and s->why says why. */
int ws__redis_session_open(struct ws__redis_session *s);

/* The link broke, which *why tells. */
void ws__redis_session_close(struct ws__redis_session *s, const ws_error *why);

/* What others say from now on sets wake.  Returns false when the link is to be
 * left. */
bool ws__redis_session_turn(struct ws__redis_session *s);

/* ws__redis_link_next until wake is set, or until (0: never) has come, when
 * *reply is NULL; or until a PING is due: WS_ERR_TIMEOUT, and
 * ws__redis_session_pinged is to be called once it is put.  WS_ERR_DEAD: nothing
 * came after the last one. */
int ws__redis_session_next(struct ws__redis_session *s, int64_t until,
                           struct ws__redis_reply **reply, ws_error *err);
void ws__redis_session_pinged(struct ws__redis_session *s);

#endif
