/* SPDX-License-Identifier: MIT */

#ifndef TESTS_READER_MODEL_H
#define TESTS_READER_MODEL_H

/* A reader that is slow and obvious: written from RFC 6455 and RFC 7692, it looks
 * at the whole stream at once, and inflates a byte at a time. */

#include "check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

#include <silverback.h>

enum {
    FIN = 0x80,
    RSV1 = 0x40,
    CLOSE = 8,
    PING = 9,
    PONG = 10,
    STREAM_MAX = 512 * 1024,
    STORY_MAX = 2 * STREAM_MAX,
};

/* ---- What happened ------------------------------------------------------ */

struct told {
    uint8_t bytes[STORY_MAX];
    size_t n;
};

static void tell(struct told *t, const void *p, size_t n)
{
    CHECK(n <= sizeof(t->bytes) - t->n);
    if (n > 0)
        memcpy(t->bytes + t->n, p, n);
    t->n += n;
}

static void tell_end(struct told *t, uint8_t what, size_t n)
{
    tell(t, &what, 1);
    tell(t, &n, sizeof(n));
}

/* Control frames stand beside the number of messages before them: those that
 * come between pieces of one are told of before it. */
struct story {
    struct told messages;
    struct told controls;
    size_t ended; /* messages.n at the end of the last one */
    size_t count;
    bool failed;
    bool inflating; /* it was within a compressed message */
    int error;
    int close_code;
};

static void story_clear(struct story *s)
{
    s->messages.n = s->controls.n = s->ended = s->count = 0;
    s->failed = s->inflating = false;
    s->error = s->close_code = 0;
}

static void story_message_ends(struct story *s, uint8_t type)
{
    tell_end(&s->messages, type, s->messages.n - s->ended);
    s->ended = s->messages.n;
    s->count++;
}

static void story_control(struct story *s, uint8_t type, const void *p,
                          size_t n)
{
    tell(&s->controls, p, n);
    tell_end(&s->controls, type, n);
    tell_end(&s->controls, 0, s->count);
}

static void story_fails(struct story *s, int error, int close_code)
{
    s->failed = true;
    s->error = error;
    s->close_code = close_code;
}

/* ---- The model ---------------------------------------------------------- */

struct rules {
    bool client;
    bool compression;
    bool takeover;
    int64_t limit;
    size_t in_max;
};

struct model {
    const struct rules *rules;
    struct story *story;
    uint8_t type; /* 0: between messages */
    bool compressed;
    uint64_t have;
    unsigned follow;   /* bytes that a character still lacks, */
    uint8_t low, high; /* and the bounds of the next one */
    z_stream z;
    bool ended;   /* z's last block has BFINAL set */
    bool between; /* z is behind a block, and nothing else */
    bool taken;   /* z has got a byte of this message */
};

/* Unicode, table 3-7. */
static bool utf8_byte(struct model *m, uint8_t c)
{
    if (m->follow > 0) {
        bool right = c >= m->low && c <= m->high;

        m->follow--;
        m->low = 0x80;
        m->high = 0xbf;
        return right;
    }
    m->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    m->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    m->follow = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    return c < 0x80 || (c >= 0xc2 && c <= 0xf4);
}

static void model_fails(struct model *m, int error, int close_code)
{
    m->story->inflating = m->compressed && m->type != 0;
    story_fails(m->story, error, close_code);
}

/* A byte of a message, as the application gets it. */
static void model_byte(struct model *m, uint8_t c)
{
    if (m->rules->limit >= 0 && m->have == (uint64_t)m->rules->limit)
        model_fails(m, WS_ERR_TOO_BIG, 1009);
    else if (m->type == WS_TEXT && !utf8_byte(m, c))
        model_fails(m, WS_ERR_UTF8, 1007);
    m->have++;
    tell(&m->story->messages, &c, 1);
}

/* Behind a last block another stream begins, which looks back at what came before
 * it (RFC 7692, section 7.2.3.4). */
static void model_next_stream(struct model *m)
{
    static uint8_t window[32 * 1024];
    uInt n = 0;

    CHECK(inflateGetDictionary(&m->z, window, &n) == Z_OK);
    CHECK(inflateReset(&m->z) == Z_OK);
    CHECK(inflateSetDictionary(&m->z, window, n) == Z_OK);
    m->ended = false;
}

/* A byte, if there is one.  Returns false when z wants more before the next. */
static bool model_inflate_byte(struct model *m)
{
    enum { SPARE_BITS = 0x3f, AT_BLOCK_END = 0x80 };
    uInt before = m->z.avail_in;
    uint8_t out;

    if (m->ended && m->z.avail_in == 0)
        return false;
    if (m->ended)
        model_next_stream(m);
    m->z.next_out = &out;
    m->z.avail_out = 1;
    int r = inflate(&m->z, Z_SYNC_FLUSH);
    m->ended = r == Z_STREAM_END;
    if (m->z.avail_in < before || m->z.avail_out == 0) /* it tells once */
        m->between = m->ended || (m->z.data_type &
                                  (SPARE_BITS | AT_BLOCK_END)) == AT_BLOCK_END;
    if (m->z.avail_out == 0)
        model_byte(m, out);
    if (r == Z_DATA_ERROR && !m->story->failed)
        model_fails(m, WS_ERR_DEFLATE, 1007);
    return m->z.avail_out == 0 || m->ended;
}

/* RFC 7692, section 7.2.2, of bytes as they were made. */
static void model_inflate(struct model *m, uint8_t *p, size_t n)
{
    m->z.next_in = p;
    m->z.avail_in = (uInt)n;
    m->taken = true;
    while (!m->story->failed && model_inflate_byte(m))
        continue;
}

static void model_payload(struct model *m, const uint8_t *p, size_t n,
                          const uint8_t *key)
{
    for (size_t i = 0; i < n && !m->story->failed; i++) {
        uint8_t c = key ? p[i] ^ key[i % 4] : p[i];

        if (m->compressed)
            model_inflate(m, &c, 1);
        else
            model_byte(m, c);
    }
}

/* Behind it the message is at the end of a block. */
static void model_tail(struct model *m)
{
    uint8_t tail[] = { 0, 0, 0xff, 0xff };

    model_inflate(m, tail, sizeof(tail));
    if (!m->story->failed && !m->between)
        model_fails(m, WS_ERR_DEFLATE, 1007);
}

/* Some leave an empty message empty, or end it with a last block. */
static void model_message_ends(struct model *m)
{
    if (m->compressed && m->taken && !m->ended)
        model_tail(m);
    if (!m->story->failed && m->type == WS_TEXT && m->follow > 0)
        model_fails(m, WS_ERR_UTF8, 1007);
    if (!m->story->failed)
        story_message_ends(m->story, m->type);
    m->type = 0;
}

/* What no frame may have, whoever sends it (RFC 6455, section 5.2). */
static bool model_may_begin(const uint8_t *p)
{
    uint8_t opcode = p[0] & 0xf, len = p[1] & 0x7f;

    return (p[0] & 0x30) == 0 && opcode <= PONG &&
           (opcode <= WS_BINARY || opcode >= CLOSE) &&
           (opcode < CLOSE || ((p[0] & FIN) && len <= 125));
}

/* What this one may not have here. */
static bool model_may_come(const struct model *m, uint8_t first, bool masked)
{
    uint8_t opcode = first & 0xf;
    bool begins = opcode == WS_TEXT || opcode == WS_BINARY;

    if (masked == m->rules->client)
        return false;
    if ((first & RSV1) && !(m->rules->compression && begins))
        return false;
    if (opcode >= CLOSE)
        return true;
    return begins == (m->type == 0);
}

/* A frame, as much of it as there is. */
struct model_frame {
    uint8_t first; /* FIN, RSV1, opcode */
    const uint8_t *key, *payload;
    uint64_t len;
    size_t there; /* of the payload */
};

static size_t model_refuses(struct model *m)
{
    story_fails(m->story, WS_ERR_PROTOCOL, 1002);
    return 0;
}

/* Returns the size of its header; 0: it is wrong, or not all there. */
static size_t model_header(struct model *m, const uint8_t *p, size_t n,
                           struct model_frame *f)
{
    if (n < 2)
        return 0;
    if (!model_may_begin(p))
        return model_refuses(m);
    bool masked = p[1] & 0x80;
    unsigned len7 = p[1] & 0x7f, more = len7 == 126 ? 2 : len7 == 127 ? 8 : 0;
    size_t size = 2 + more + (masked ? 4 : 0);
    uint64_t len = more ? 0 : len7;
    if (n < size)
        return 0;
    for (unsigned i = 0; i < more; i++)
        len = len << 8 | p[2 + i];
    if ((len7 == 126 && len < 126) || (len7 == 127 && len < 65536) ||
        len >> 63 || !model_may_come(m, p[0], masked))
        return model_refuses(m);
    *f = (struct model_frame){ .first = p[0],
                               .key = masked ? p + size - 4 : NULL,
                               .payload = p + size,
                               .len = len,
                               .there =
                                   len < n - size ? (size_t)len : n - size };
    return size;
}

/* Returns whether all of it is there. */
static bool model_control(struct model *m, const struct model_frame *f)
{
    uint8_t data[125];

    if (f->there < f->len)
        return false;
    for (size_t i = 0; i < f->there; i++)
        data[i] = f->payload[i] ^ (f->key ? f->key[i % 4] : 0);
    story_control(m->story, f->first & 0xf, data, f->there);
    return true;
}

static void model_begins(struct model *m, uint8_t first)
{
    if ((first & 0xf) == 0)
        return;
    m->type = first & 0xf;
    m->compressed = first & RSV1;
    m->have = 0;
    m->follow = 0;
    m->taken = false;
    if (m->rules->takeover)
        return;
    m->ended = false;
    inflateReset(&m->z);
}

/* Returns whether all of it is there, and nothing is wrong. */
static bool model_data(struct model *m, const struct model_frame *f)
{
    model_begins(m, f->first);
    if (!m->compressed && m->rules->limit >= 0 &&
        f->len > (uint64_t)m->rules->limit - m->have) {
        model_fails(m, WS_ERR_TOO_BIG, 1009);
        return false;
    }
    model_payload(m, f->payload, f->there, f->key);
    if (m->story->failed || f->there < f->len)
        return false;
    if (f->first & FIN)
        model_message_ends(m);
    return !m->story->failed;
}

/* Returns how many bytes a frame took; 0: it is the last. */
static size_t model_frame(struct model *m, const uint8_t *p, size_t n)
{
    struct model_frame f;
    size_t size = model_header(m, p, n, &f);

    if (size == 0)
        return 0;
    bool took =
        (f.first & 0xf) >= CLOSE ? model_control(m, &f) : model_data(m, &f);
    return took ? size + (size_t)f.len : 0;
}

static void model_read(const struct rules *rules, const uint8_t *p, size_t n,
                       struct story *story)
{
    static struct model m;
    size_t took = 1;

    if (!m.rules)
        CHECK(inflateInit2(&m.z, -15) == Z_OK);
    m.rules = rules;
    m.story = story;
    m.type = 0;
    m.compressed = m.ended = false;
    inflateReset(&m.z);
    story_clear(story);
    for (size_t at = 0; at < n && took > 0; at += took)
        took = model_frame(&m, p + at, n - at);
}

#endif
