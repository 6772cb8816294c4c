/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_LOG_H
#define WS_HUB_REDIS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/hub.h>

#include "base/str.h"
#include "hub/lineage.h"
#include "hub/redis_message.h"
#include "hub/redis_names.h"
#include "redis/client.h"

/* How this node asks Redis about logs (hub/redis_scripts).  Any fiber or thread
 * may. */
struct ws__redis_log {
    struct ws__redis *client;
    struct ws__redis_script publish;
    struct ws__redis_script look;
    char node[20];        /* its name, in hexadecimal: another one each time */
    long keep;            /* publications of a topic */
    int keep_ms;          /* without a new one */
    _Atomic int64_t said; /* that Redis refused something */
};

/* Returns 0 or a negative code. */
int ws__redis_log_init(struct ws__redis_log *log, struct ws__redis *client,
                       const ws_hub_options *o);

/* What is published: number is the node's own, greater each time, and from where
 * the topic's log stands as far as the node knows (0: not). */
struct ws__redis_asked {
    const struct ws__redis_names *names;
    struct ws__str payload;
    uint64_t number;
    uint64_t from;
};

/*
 * Publish, by the deadline; an answer that was lost is asked for again, which
 * does not publish twice.  Returns 0 and *place; WS_ERR_TIMEOUT: it was not
 * published; WS_ERR_DEAD: perhaps it was; or a code of ws__redis_log_refused or
 * ws__redis_eval.
 */
int ws__redis_log_publish(struct ws__redis_log *log,
                          const struct ws__redis_asked *asked, int64_t deadline,
                          ws_place *place);

/* What is asked of a log, and what it said. */
struct ws__redis_look {
    const ws_place *seen; /* so many places that this node has witnessed */
    int n;
    uint64_t from; /* entries behind this offset */
    int most;      /* at most so many; 0: none */

    struct ws__lineage lineage;
    uint64_t first; /* offset that is kept; 0: none */
    size_t entries;
    struct ws__redis_reply *reply; /* free it after a return of 0 */
};

/* Returns 0 or a code, as above. */
int ws__redis_log_look(struct ws__redis_log *log,
                       const struct ws__redis_names *names,
                       struct ws__redis_look *look, int64_t deadline);

/* The i-th entry, which borrows from the reply and key.  Returns false for what
 * is none of ours. */
bool ws__redis_look_entry(const struct ws__redis_look *look, size_t i,
                          ws_publication *p, struct ws__redis_key *key);

/* The code of an error that Redis answered with, which is logged now and then:
 * -EACCES, -ENOMEM for what exceeds its maxmemory, -EIO for another. */
int ws__redis_log_refused(struct ws__redis_log *log,
                          const struct ws__redis_reply *reply);

#endif
