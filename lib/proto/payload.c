/* SPDX-License-Identifier: MIT */

#include "proto/payload.h"

#include <errno.h>

#include "proto/fault.h"
#include "proto/mask.h"

enum {
    /* Of a message's inflated size to its own: seldom more. */
    WHOLE_RATIO = 4,

    /* What is inflated at once.  Input that makes nothing may take longest: a
     * microsecond for each dozen bytes. */
    STEP_OUT = 32 * 1024,
    STEP_IN = 4 * 1024,
    WHOLE_OUT = 128 * 1024,
    WHOLE_IN = 8 * 1024,
    IN_EFFORT = 2, /* a byte of it, in bytes that are made */
};

bool ws__payload_unmask(struct ws__reader *r, uint8_t *p, size_t n)
{
    bool ascii = r->frame.masked && ws__mask(p, n, r->frame.key, r->phase);

    r->phase += n;
    if (r->compressed || !ws__payload_is_text(r) ||
        (ascii && ws__utf8_complete(&r->utf8)) || ws__utf8_feed(&r->utf8, p, n))
        return true;
    ws__fault_not_utf8(r);
    return false;
}

/* Inflate the whole message, if it is all there in one frame and likely to fit.
 * Where it does not after all, little was lost. */
static bool inflate_at_once(struct ws__reader *r, struct ws__buf *in,
                            uint8_t *out, size_t cap, struct ws__inflated *done)
{
    size_t n = r->ready;

    cap = ws__payload_min(cap, WHOLE_OUT);
    if (r->takeover || !r->frame.fin || r->frame.opcode == WS__CONTINUATION ||
        n == 0 || n != r->frame.len || n > cap / WHOLE_RATIO || n > WHOLE_IN ||
        (size_t)(in->end - in->pos) - n < WS__WHOLE_TAIL)
        return false;
    if (!ws__inflate_whole(r->inflate, in->pos, n, out, cap, &done->made))
        return false;
    done->taken = n;
    return true;
}

static int payload_step(struct ws__reader *r, const struct ws__buf *in,
                        uint8_t *out, size_t room, struct ws__inflated *done)
{
    const uint8_t *p = r->ready > 0 ? in->pos : out; /* none is read of it */

    room = ws__payload_min(room, STEP_OUT);
    if (r->ready == 0 && ws__payload_at_end(r))
        return ws__inflate_finish(r->inflate, out, room, &done->made);
    if (r->lookback)
        ws__inflate_look_back(r->inflate, r->lookback->p, r->lookback->len);
    return ws__inflate_step(r->inflate, p, ws__payload_min(r->ready, STEP_IN),
                            out, room, done);
}

/* The message has ended, alone if its n bytes are all of it. */
static int payload_remember(struct ws__reader *r, bool alone, const uint8_t *p,
                            size_t n)
{
    if (!r->lookback || !r->lookback->on)
        return 0;
    return alone ? ws__lookback_alone(r->lookback, p, n)
                 : ws__lookback_inflated(r->lookback, r->inflate, r->have);
}

int ws__payload_inflate(struct ws__reader *r, struct ws__buf *in, uint8_t *out,
                        size_t cap, size_t *made)
{
    struct ws__inflated done = { 0 };
    uint8_t over;
    bool full = ws__payload_exceeds(r, 1); /* one byte more is too many */
    size_t room = full ? 1 : cap;

    if (!full && r->limit >= 0)
        room = ws__payload_min((uint64_t)r->limit - r->have, cap);
    bool alone = inflate_at_once(r, in, out, room, &done);
    int code = alone ? 1 : payload_step(r, in, full ? &over : out, room, &done);
    ws__payload_use_up(r, in, done.taken);
    *made = done.made;
    r->effort += done.made + done.taken * IN_EFFORT;
    r->have += done.made;
    if (code == 1 && payload_remember(r, alone, out, done.made) != 0)
        code = -ENOMEM;
    if (code == -ENOMEM)
        ws__fault_no_memory(r);
    else if (full && done.made > 0) /* zlib may have looked at what follows */
        ws__fault_too_big(r);
    else if (code < 0)
        ws__fault(r, code, WS_CLOSE_BAD_PAYLOAD,
                  "a compressed message is corrupt");
    else if (ws__payload_is_text(r) && !ws__utf8_feed(&r->utf8, out, done.made))
        ws__fault_not_utf8(r);
    return r->error ? -1 : code;
}

bool ws__payload_is_tired(const struct ws__reader *r)
{
    return r->effort >= STEP_OUT;
}
