/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_PAYLOAD_H
#define WS_PROTO_PAYLOAD_H

#include "proto/reader.h"

/*
 * The payload of the data frame under way: unmasked, inflated and checked where
 * it lies, at in->pos, as it comes.
 */

static inline size_t ws__payload_min(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static inline bool ws__payload_is_text(const struct ws__reader *r)
{
    return r->type == WS_TEXT;
}

/* Would so many bytes more be more than the limit?  Compares before anything is
 * added, so that no sum can wrap. */
static inline bool ws__payload_exceeds(const struct ws__reader *r,
                                       uint64_t more)
{
    return r->limit >= 0 && (r->have > (uint64_t)r->limit ||
                             more > (uint64_t)r->limit - r->have);
}

/* Unmask the next n bytes of the payload, at p, and check them if they are text
 * as it is.  Returns false if they are not, which r then says. */
bool ws__payload_unmask(struct ws__reader *r, uint8_t *p, size_t n);

/* Have all of it that is in the buffer ready, that is, unmasked and checked.
 * Returns as ws__payload_unmask. */
static inline bool ws__payload_ready(struct ws__reader *r, struct ws__buf *in)
{
    size_t n = ws__payload_min(r->left, ws__buf_used(in)), more = n - r->ready;

    r->ready = n;
    return more == 0 || ws__payload_unmask(r, in->pos + n - more, more);
}

/* So many of the bytes that are ready have been taken. */
static inline void ws__payload_use_up(struct ws__reader *r, struct ws__buf *in,
                                      size_t n)
{
    if (n > 0) /* without a byte there may be no buffer */
        in->pos += n;
    r->ready -= n;
    r->left -= n;
}

/* Has all of the message come? */
static inline bool ws__payload_at_end(const struct ws__reader *r)
{
    return r->left == 0 && r->frame.fin;
}

/* Is there something to inflate: input, what had no room, or the end of the
 * message? */
static inline bool ws__payload_can_inflate(const struct ws__reader *r)
{
    return r->ready > 0 || ws__payload_at_end(r) ||
           ws__inflate_holds(r->inflate);
}

/* Was so much inflated since the call began that it is to end? */
bool ws__payload_is_tired(const struct ws__reader *r);

/* Inflate what is ready, or the end, into cap bytes at out, as far as the limit
 * allows.  Returns 1 at the end of the message, 0, or -1 when it failed, which r
 * then says. */
int ws__payload_inflate(struct ws__reader *r, struct ws__buf *in, uint8_t *out,
                        size_t cap, size_t *made);

#endif
