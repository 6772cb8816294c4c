/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_ANSWERS_H
#define BENCH_LOAD_ANSWERS_H

/* What comes back on one connection, compared with what was sent. */

#include "load_frames.h"

struct answers {
    size_t slot;      /* the message that is expected */
    uint64_t left;    /* of the payload of the frame */
    uint64_t len;     /* of the message so far */
    uint8_t head[10]; /* of a frame, while it is cut */
    uint8_t head_len;
    uint8_t opcode;
    bool fin;
    bool inside;   /* a message has begun */
    bool packed;   /* and is compressed */
    bool compared; /* and is compared byte by byte */
    bool closed;   /* a close frame has come */
    bool answered; /* a ping, or anything, has come that is no message */
    uint8_t *kept; /* the compressed message so far; only with deflate */
};

/* Counts over all connections. */
struct answers_count {
    uint64_t messages;
    uint64_t
        compared;    /* of them, byte by byte; all have their length checked */
    uint64_t packed; /* of them, compressed */
    uint64_t bytes;  /* of all frames, heads included */
};

extern struct answers_count answers_count;

void answers_setup(const struct frames *f, const struct load_options *o);
void answers_teardown(void);

void answers_init(struct answers *a);
void answers_fini(struct answers *a);

/* Take n bytes.  Returns how many messages are now complete. */
size_t answers_take(struct answers *a, const uint8_t *p, size_t n);

/* How many bytes nobody is going to look at; answers_skip() instead of
 * answers_take() tells that n of them have come. */
size_t answers_unread(const struct answers *a);
size_t answers_skip(struct answers *a, size_t n);

/* Whether what comes next is the head of a frame. */
static inline bool answers_at_head(const struct answers *a)
{
    return a->left == 0;
}

#endif
