/* SPDX-License-Identifier: MIT */

#include "proto/reader.h"

#include <errno.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/mask.h"
#include "proto/payload.h"

/* ---- Headers ------------------------------------------------------------ */

/* What is wrong with a frame in this place (RFC 6455, sections 5.1, 5.2 and
 * 5.4; RFC 7692, section 6.1); NULL if nothing is. */
static const char *frame_fault(const struct ws__reader *r)
{
    const struct ws__frame *f = &r->frame;
    bool first = f->opcode == WS_TEXT || f->opcode == WS_BINARY;

    if (f->masked == r->client)
        return r->client ? "a masked frame from a server"
                         : "an unmasked frame from a client";
    if (f->rsv1 && !r->compression)
        return "RSV1 is set, and no extension was agreed";
    if (f->rsv1 && !first)
        return "RSV1 is set on a frame that does not begin a message";
    if (f->opcode == WS__CONTINUATION && r->type == 0)
        return "a continuation frame without a message to continue";
    if (first && r->type != 0)
        return "a message begins inside another";
    return NULL;
}

static void trace_frame(const struct ws__reader *r)
{
    if (r->trace)
        r->trace(r);
}

/* A control frame is taken when it is there in full; it is small. */
__attribute__((noinline)) static enum ws__event take_control(
    struct ws__reader *r, struct ws__buf *in, size_t header)
{
    size_t n = (size_t)r->frame.len;

    if (ws__buf_used(in) < header + n)
        return WS__NEED_INPUT;
    trace_frame(r);
    r->control.type = r->frame.opcode;
    r->control.len = (uint8_t)n;
    memcpy(r->control.data, in->pos + header, n);
    if (r->frame.masked)
        ws__mask((uint8_t *)r->control.data, n, r->frame.key, 0);
    r->control.data[n] = '\0';
    in->pos += header + n;
    return WS__CONTROL;
}

static bool begin_message(struct ws__reader *r)
{
    bool kept = r->inflate; /* one of the pool has seen others' messages */

    r->type = r->frame.opcode;
    r->compressed = r->frame.rsv1;
    r->have = 0;
    r->utf8 = (struct ws__utf8){ 0 };
    r->waited_ms = 0;
    if (!r->compressed)
        return true;
    if (!r->inflate)
        r->inflate = ws__pool_get(r->inflaters);
    if (r->inflate)
        ws__inflate_begin(r->inflate, kept);
    return r->inflate;
}

__attribute__((noinline)) static enum ws__event begin_payload(
    struct ws__reader *r)
{
    if (r->frame.opcode != WS__CONTINUATION && !begin_message(r))
        return ws__fault_no_memory(r);
    if (!r->compressed && ws__payload_exceeds(r, r->frame.len))
        return ws__fault_too_big(r);
    r->in_payload = true;
    r->left = r->frame.len;
    if (r->compressed)
        r->wire += r->frame.len;
    r->ready = 0;
    r->phase = 0;
    return WS__PIECE;
}

/* Is it a message that is all there, in one frame, as it is, and not too large? */
static bool is_at_hand(const struct ws__reader *r, const struct ws__buf *in,
                       size_t header)
{
    return r->frame.fin && r->frame.opcode != WS__CONTINUATION &&
           !r->frame.rsv1 && r->frame.len <= ws__buf_used(in) - header &&
           (r->limit < 0 || r->frame.len <= (uint64_t)r->limit) &&
           r->frame.len < r->in_max;
}

/* Before a NUL is put over it. */
static void decode_next(struct ws__reader *r, const struct ws__buf *in)
{
    int n = ws__frame_decode(&r->frame, in->pos, ws__buf_used(in));

    r->header = n > 0 ? (uint8_t)n : 0;
}

/* The next n bytes are lent where they lie. */
static void lend(struct ws__reader *r, struct ws__buf *in, size_t n)
{
    r->message.data = (char *)in->pos;
    r->message.len = n;
    in->pos += n;
    if (in->pos < in->last)
        decode_next(r, in);
    r->borrowed_end = (char *)in->pos;
    r->saved = *r->borrowed_end;
    *r->borrowed_end = '\0';
}

/* Nothing of it needs to be remembered from one call to the next. */
static inline enum ws__event give_at_hand(struct ws__reader *r,
                                          struct ws__buf *in)
{
    size_t n = (size_t)r->frame.len;
    bool ascii = r->frame.masked && ws__mask(in->pos, n, r->frame.key, 0);

    r->message.type = (ws_type)r->frame.opcode;
    if (r->message.type == WS_TEXT && !ascii && !ws__utf8_is_valid(in->pos, n))
        return ws__fault_not_utf8(r);
    lend(r, in, n);
    return WS__MESSAGE;
}

/* Take a frame's header, and the rest of it if it is a control frame; or, if
 * whole messages are wanted, such a one.  Returns WS__PIECE when the payload of
 * another data frame is next. */
static inline enum ws__event take_header(struct ws__reader *r,
                                         struct ws__buf *in, bool whole)
{
    int n = r->header;

    if (n == 0 && ws__buf_used(in) > 0)
        n = ws__frame_decode(&r->frame, in->pos, ws__buf_used(in));
    r->header = 0;
    if (n == 0)
        return WS__NEED_INPUT;
    const char *text = n < 0 ? ws__frame_fault(in->pos) : frame_fault(r);
    if (text)
        return ws__fault(r, WS_ERR_PROTOCOL, WS_CLOSE_PROTOCOL_ERROR, text);
    if (r->frame.opcode & WS__CONTROL_BIT)
        return take_control(r, in, (size_t)n);
    bool at_hand = whole && is_at_hand(r, in, (size_t)n);
    in->pos += n;
    trace_frame(r);
    return at_hand ? give_at_hand(r, in) : begin_payload(r);
}

static enum ws__event end_message(struct ws__reader *r, enum ws__event event)
{
    if (ws__payload_is_text(r) && !ws__utf8_complete(&r->utf8))
        return ws__fault_not_utf8(r);
    r->in_payload = false;
    r->type = 0;
    if (r->inflate && !r->takeover) {
        ws__pool_put(r->inflaters, r->inflate);
        r->inflate = NULL;
    }
    return event;
}

/* ---- Whole messages ----------------------------------------------------- */

/* What the last message borrowed is given back. */
static void take_back(struct ws__reader *r)
{
    if (r->borrowed_end)
        *r->borrowed_end = r->saved;
    r->borrowed_end = NULL;
    r->direct = false;
    if (r->type == 0)
        r->whole.pos = r->whole.last = r->whole.begin;
}

static bool fits_in_place(const struct ws__reader *r)
{
    return r->frame.fin && r->frame.opcode != WS__CONTINUATION &&
           !r->compressed && r->have == 0 && r->frame.len < r->in_max;
}

static enum ws__event give_in_place(struct ws__reader *r, struct ws__buf *in)
{
    if (r->ready < r->left)
        return WS__NEED_INPUT;
    r->message.type = (ws_type)r->type;
    lend(r, in, r->ready);
    r->ready = 0;
    r->left = 0;
    return end_message(r, WS__MESSAGE);
}

/* Room for n bytes and a NUL behind whole; never more than the limit. */
static int whole_room(struct ws__reader *r, size_t n)
{
    size_t max = SIZE_MAX / 2;

    if (!r->whole.begin && ws__buf_lend(&r->whole, r->buffers) != 0)
        return -ENOMEM;
    if (ws__buf_room(&r->whole) > n)
        return 0;
    if (r->limit >= 0 && (uint64_t)r->limit < max)
        max = (size_t)r->limit + 1;
    if (max < ws__buf_used(&r->whole) + n + 1)
        max = ws__buf_used(&r->whole) + n + 1;
    return ws__buf_reserve(&r->whole, n + 1, max, r->buffers);
}

static enum ws__event give_whole(struct ws__reader *r)
{
    if (whole_room(r, 0) != 0)
        return ws__fault_no_memory(r);
    r->message = (ws_message){ .type = (ws_type)r->type,
                               .data = (char *)r->whole.pos,
                               .len = ws__buf_used(&r->whole) };
    *r->whole.last = '\0';
    return end_message(r, WS__MESSAGE);
}

/* Take what is ready of an uncompressed message.  Memory follows what has come,
 * not what was announced. */
static enum ws__event collect(struct ws__reader *r, struct ws__buf *in)
{
    size_t n = r->ready;

    if (whole_room(r, n) != 0)
        return ws__fault_no_memory(r);
    ws__buf_append(&r->whole, in->pos, n);
    r->have += n;
    ws__payload_use_up(r, in, n);
    r->direct = r->left > 0;
    if (r->direct)
        return whole_room(r, 1) == 0 ? WS__NEED_INPUT : ws__fault_no_memory(r);
    r->in_payload = false;
    return r->frame.fin ? give_whole(r) : WS__GO_ON;
}

static enum ws__event collect_inflated(struct ws__reader *r, struct ws__buf *in)
{
    while (ws__payload_can_inflate(r)) {
        size_t made;

        if (ws__payload_is_tired(r))
            return WS__GO_ON;
        if (whole_room(r, ws__payload_exceeds(r, 1) ? 0 : 1) != 0)
            return ws__fault_no_memory(r);
        int code = ws__payload_inflate(r, in, r->whole.last,
                                       ws__buf_room(&r->whole) - 1, &made);
        if (code < 0)
            return WS__FAILED;
        r->whole.last += made;
        if (code == 1)
            return give_whole(r);
    }
    r->in_payload = r->left > 0;
    return r->in_payload ? WS__NEED_INPUT : WS__GO_ON;
}

enum ws__event ws__reader_next(struct ws__reader *r, struct ws__buf *in)
{
    enum ws__event event = WS__PIECE;

    take_back(r);
    r->effort = 0;
    while (event == WS__PIECE) {
        if (r->error)
            return WS__FAILED;
        if (!r->in_payload)
            event = take_header(r, in, true);
        else if (!ws__payload_ready(r, in))
            event = WS__FAILED;
        else if (r->compressed)
            event = collect_inflated(r, in);
        else if (fits_in_place(r))
            event = give_in_place(r, in);
        else
            event = collect(r, in);
    }
    return event;
}

/* ---- Pieces ------------------------------------------------------------- */

static enum ws__event give_piece(struct ws__reader *r, struct ws__buf *in,
                                 void *buf, size_t n)
{
    size_t k = ws__payload_min(r->ready, n);

    if (k == 0)
        return WS__NEED_INPUT;
    memcpy(buf, in->pos, k);
    r->have += k;
    ws__payload_use_up(r, in, k);
    r->piece = k;
    return WS__PIECE;
}

static enum ws__event give_inflated(struct ws__reader *r, struct ws__buf *in,
                                    void *buf, size_t n)
{
    while (ws__payload_can_inflate(r)) {
        if (ws__payload_is_tired(r))
            return WS__GO_ON;
        int code = ws__payload_inflate(r, in, buf, n, &r->piece);

        if (code < 0)
            return WS__FAILED;
        if (r->piece > 0)
            return WS__PIECE;
        if (code == 1)
            return end_message(r, WS__PIECE);
    }
    return WS__NEED_INPUT;
}

/* The payload of a frame is next, or was: give a piece of it.  WS__NEED_INPUT
 * may also mean that the next frame is to be looked at. */
static enum ws__event give(struct ws__reader *r, struct ws__buf *in, void *buf,
                           size_t n)
{
    if (!ws__payload_ready(r, in))
        return WS__FAILED;
    if (r->compressed)
        return give_inflated(r, in, buf, n);
    if (r->left == 0 && r->frame.fin)
        return end_message(r, WS__PIECE);
    return give_piece(r, in, buf, n);
}

enum ws__event ws__reader_piece(struct ws__reader *r, struct ws__buf *in,
                                void *buf, size_t n)
{
    enum ws__event event = WS__PIECE;

    take_back(r);
    r->effort = 0;
    r->piece = 0;
    if (r->error)
        return WS__FAILED;
    if (!r->in_payload)
        event = take_header(r, in, false);
    if (event != WS__PIECE || n == 0)
        return event;
    event = give(r, in, buf, n);
    if (event != WS__NEED_INPUT || r->left > 0)
        return event;
    r->in_payload = false;
    return WS__GO_ON;
}

/* ---- Buffers ------------------------------------------------------------ */

bool ws__reader_window(struct ws__reader *r, const struct ws__buf *in,
                       uint8_t **p, size_t *n)
{
    if (!r->direct || ws__buf_used(in) > 0)
        return false;
    *p = r->whole.last;
    *n = ws__payload_min(r->left, ws__buf_room(&r->whole) - 1);
    return true;
}

void ws__reader_filled(struct ws__reader *r, size_t n)
{
    ws__payload_unmask(r, r->whole.last, n);
    r->whole.last += n;
    r->have += n;
    r->left -= n;
}

uint64_t ws__reader_came(const struct ws__reader *r)
{
    return r->have + r->ready;
}

size_t ws__reader_wants(const struct ws__reader *r, const struct ws__buf *in)
{
    size_t have = ws__buf_used(in);

    if (r->in_payload && fits_in_place(r) && r->left > have)
        return (size_t)r->left - have + 1;
    return have < WS__FRAME_HEADER_MAX + WS__CONTROL_MAX
               ? WS__FRAME_HEADER_MAX + WS__CONTROL_MAX - have + 1
               : 2;
}

bool ws__reader_has_next(const struct ws__reader *r, const struct ws__buf *in)
{
    const struct ws__frame *f = &r->frame;

    return r->header > 0 && f->fin &&
           (f->opcode == WS_TEXT || f->opcode == WS_BINARY) &&
           f->len <= ws__buf_used(in) - r->header;
}

void ws__reader_idle(struct ws__reader *r, bool all)
{
    if (r->type == 0 && (all || r->whole.lent))
        ws__buf_release(&r->whole, r->buffers);
    else if (all && r->whole.lent)
        (void)ws__buf_resize(&r->whole, 2, r->buffers);
}

bool ws__reader_is_clean(const struct ws__reader *r)
{
    return r->type == 0 && !r->in_payload && !r->inflate && r->error == 0;
}

void ws__reader_fini(struct ws__reader *r)
{
    ws__buf_release(&r->whole, r->buffers);
    if (r->inflate)
        ws__pool_put(r->inflaters, r->inflate);
    r->inflate = NULL;
    r->header = 0; /* it lay in the buffer, which goes, too */
}
