/* SPDX-License-Identifier: MIT */

#include "load_answers.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { CONTINUATION = 0, CLOSE = 8, LARGE = 4096 };

/* The compressed answer that was last found right: the next one is, if it is
 * the same. */
struct known {
    uint8_t *data;
    size_t len;
};

struct answers_count answers_count;

static const struct frames *frames;
static size_t check;
static size_t room; /* for a compressed answer */
static struct known *known;
static z_stream inflater;
static uint8_t *inflated;

void answers_setup(const struct frames *f, const struct load_options *o)
{
    frames = f;
    check = f->size > LARGE ? o->check : 1;
    if (!o->deflate)
        return;

    /* Servers may compress worse than zlib would. */
    room = compressBound(f->size) + f->size / 16 + 64;
    inflated = load_alloc(f->size + 1);
    known = load_alloc(f->slots * sizeof(*known));
    for (size_t i = 0; i < f->slots; i++)
        known[i].data = load_alloc(room);
    if (inflateInit2(&inflater, -15) != Z_OK)
        load_fail("no memory for zlib");
}

void answers_teardown(void)
{
    if (!known)
        return;
    for (size_t i = 0; i < frames->slots; i++)
        free(known[i].data);
    free(known);
    free(inflated);
    inflateEnd(&inflater);
}

void answers_init(struct answers *a)
{
    *a = (struct answers){ 0 };
    if (room > 0)
        a->kept = load_alloc(room + 4);
}

void answers_fini(struct answers *a)
{
    free(a->kept);
}

/* Compare with the message that is expected, from a->len on. */
static void compare(const struct answers *a, const uint8_t *p, size_t n)
{
    const uint8_t *want = frames_plain(frames, a->slot) + a->len;

    if (n > frames->size - a->len)
        load_fail("expected an answer of %zu bytes, got more", frames->size);
    if (memcmp(p, want, n) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (p[i] != want[i])
            load_fail("expected byte %zu of an answer to be %02x, got %02x",
                      (size_t)a->len + i, want[i], p[i]);
}

static void inflate_and_compare(struct answers *a)
{
    memcpy(a->kept + a->len, "\0\0\xff\xff", 4);
    inflateReset(&inflater);
    inflater.next_in = a->kept;
    inflater.avail_in = (uInt)a->len + 4;
    inflater.next_out = inflated;
    inflater.avail_out = (uInt)frames->size + 1;

    int code = inflate(&inflater, Z_SYNC_FLUSH);
    size_t n = frames->size + 1 - inflater.avail_out;

    if ((code != Z_OK && code != Z_STREAM_END) || n != frames->size)
        load_fail("expected an answer that inflates to %zu bytes, got %zu (%s)",
                  frames->size, n, inflater.msg ? inflater.msg : "no error");
    if (memcmp(inflated, frames_plain(frames, a->slot), n) != 0)
        load_fail("expected an answer that inflates to what was sent");
}

static void check_packed(struct answers *a)
{
    struct known *k = &known[a->slot];

    if (k->len == a->len && memcmp(k->data, a->kept, k->len) == 0)
        return;
    inflate_and_compare(a);
    k->len = a->len;
    memcpy(k->data, a->kept, k->len);
}

static void end_message(struct answers *a)
{
    if (a->packed)
        check_packed(a);
    else if (a->len != frames->size)
        load_fail("expected an answer of %zu bytes, got %zu", frames->size,
                  (size_t)a->len);
    answers_count.messages++;
    answers_count.compared += a->compared;
    answers_count.packed += a->packed;
    a->inside = false;
    a->slot = a->slot + 1 < frames->slots ? a->slot + 1 : 0;
}

/* Whether it ends a message. */
static size_t end_frame(struct answers *a)
{
    if (a->opcode == CLOSE)
        a->closed = true;
    a->answered |= a->opcode >= CLOSE;
    if (a->opcode >= CLOSE || !a->fin)
        return 0;
    end_message(a);
    return 1;
}

static void begin_message(struct answers *a, uint8_t first)
{
    if (a->inside)
        load_fail("expected a continuation, got a frame of opcode %u",
                  a->opcode);
    if (a->opcode != (frames->first & 0x0f))
        load_fail("expected an answer of opcode %u, got %u",
                  frames->first & 0x0fu, a->opcode);
    a->inside = true;
    a->packed = first & 0x40;
    a->len = 0;
    a->compared = a->packed || answers_count.messages % check == 0;
    if (a->packed && !a->kept)
        load_fail("expected an uncompressed answer, got a compressed one");
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static size_t head_size(uint8_t second)
{
    switch (second & 0x7f) {
    case 126:
        return 4;
    case 127:
        return 10;
    default:
        return 2;
    }
}

static void begin_frame(struct answers *a, const uint8_t *head, size_t size)
{
    if (head[1] & 0x80 || head[0] & 0x30)
        load_fail("expected an unmasked frame of no reserved bits, got %02x "
                  "%02x",
                  head[0], head[1]);
    a->fin = head[0] & 0x80;
    a->opcode = head[0] & 0x0f;
    a->left = size == 2 ? head[1] : big_endian(head + 2, size - 2);
    answers_count.bytes += size + a->left;

    if (a->opcode == CONTINUATION && !a->inside)
        load_fail("expected an answer, got a continuation");
    if (a->opcode != CONTINUATION && a->opcode < CLOSE)
        begin_message(a, head[0]);
}

/* Heads are collected only if they are cut.  Returns how much was used. */
static size_t take_head(struct answers *a, const uint8_t *p, size_t n)
{
    size_t used = 0;

    if (a->head_len == 0 && n >= 2 && n >= head_size(p[1])) {
        begin_frame(a, p, head_size(p[1]));
        return head_size(p[1]);
    }
    while (used < n && (a->head_len < 2 || a->head_len < head_size(a->head[1])))
        a->head[a->head_len++] = p[used++];
    if (a->head_len >= 2 && a->head_len == head_size(a->head[1])) {
        begin_frame(a, a->head, a->head_len);
        a->head_len = 0;
    }
    return used;
}

static size_t take_payload(struct answers *a, const uint8_t *p, size_t n)
{
    size_t part = n < a->left ? n : (size_t)a->left;

    a->left -= part;
    if (a->opcode >= CLOSE)
        return part;
    if (a->packed && part > room - a->len)
        load_fail("expected a compressed answer, got %zu bytes of one",
                  (size_t)a->len + part);
    if (a->packed)
        memcpy(a->kept + a->len, p, part);
    else if (a->compared)
        compare(a, p, part);
    a->len += part;
    return part;
}

size_t answers_take(struct answers *a, const uint8_t *p, size_t n)
{
    size_t whole = 0;

    while (n > 0 && !a->closed) {
        size_t used = a->left > 0 ? take_payload(a, p, n) : take_head(a, p, n);

        p += used;
        n -= used;
        if (a->left == 0 && a->head_len == 0)
            whole += end_frame(a);
    }
    return whole;
}

size_t answers_unread(const struct answers *a)
{
    bool read = a->opcode >= CLOSE || a->packed || a->compared;

    return read ? 0 : (size_t)a->left;
}

size_t answers_skip(struct answers *a, size_t n)
{
    a->left -= n;
    a->len += n;
    return a->left == 0 ? end_frame(a) : 0;
}
