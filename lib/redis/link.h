/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_LINK_H
#define WS_REDIS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>
#include <silverback/tls.h>

#include "base/buf.h"
#include "io/stream.h"
#include "redis/codec.h"
#include "redis/url.h"

/* What all connections of a client have in common; it stays as long as they. */
struct ws__redis_way {
    const char *user;     /* NULL: the default one */
    const char *password; /* NULL: none */
    int db;
    bool secure;
    const ws_tls *tls; /* NULL: verify with the system's roots */
    bool master;       /* a replica is refused */
    bool if_asked;     /* the password is for a server that asks for one */
    int timeout_ms;    /* of connecting */
    int silence_ms; /* after so much of it a PING is sent; after three times as
                        * much the server is given up */
};

/* One connection to a server, of one fiber or thread: nothing here is for two. */
struct ws__redis_link {
    struct ws__stream stream;
    struct ws__redis_reader *reader; /* NULL: it is not open */
    struct ws__buf out;              /* to be sent */
    int64_t heard_at;                /* when something came last, of ws_now */
    uint8_t in[16 * 1024];
};

/* Connect to h, say who we are, and choose the database, by the deadline (0:
 * never), unless cancel (may be NULL) is set.  Returns 0, or a code and *err says
 * why: WS_ERR_REDIS for what the server answers. */
int ws__redis_link_open(struct ws__redis_link *l, const struct ws__redis_way *w,
                        const struct ws__redis_host *h, int64_t deadline,
                        ws_event *cancel, ws_error *err);

/* Whatever became of it; one that is not open stays so. */
void ws__redis_link_close(struct ws__redis_link *l);

/* Have n bytes, or a command, sent by the next ws__redis_link_next.  Returns 0,
 * -ENOMEM, or what ws__redis_format does. */
int ws__redis_link_put_bytes(struct ws__redis_link *l, const char *p, size_t n);
int ws__redis_link_put(struct ws__redis_link *l,
                       const struct ws__redis_command *c);

/* Send, and read the next reply.  Returns 0, and it is the caller's;
 * WS_ERR_TIMEOUT at the deadline, WS_ERR_CANCELED when wake (may be NULL) is set,
 * and either leaves all as it was; or a code that is the link's end, and *err
 * says why: WS_ERR_EOF, WS_ERR_REDIS, -ECONNRESET, ... */
int ws__redis_link_next(struct ws__redis_link *l, int64_t deadline,
                        ws_event *wake, struct ws__redis_reply **reply,
                        ws_error *err);

/* Ask one command, on a link to h that is opened for it and closed.  Returns 0,
 * and the reply is the caller's; or a code, and *err says why. */
int ws__redis_link_ask(const struct ws__redis_way *w,
                       const struct ws__redis_host *h,
                       const struct ws__redis_command *c, int64_t deadline,
                       ws_event *cancel, struct ws__redis_reply **reply,
                       ws_error *err);

#endif
