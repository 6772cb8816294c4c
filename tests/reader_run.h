/* SPDX-License-Identifier: MIT */

#ifndef TESTS_READER_RUN_H
#define TESTS_READER_RUN_H

/* The reader, given a stream in pieces of whatever size, and asked for whole
 * messages and for pieces of them: what it told, to be compared with what the
 * model of reader_model.h does. */

#include "reader_model.h"

#include "base/alloc.h"
#include "proto/reader.h"

static uint64_t dice;

static unsigned roll(unsigned sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (unsigned)(dice >> 33) % sides;
}

/* ---- The reader --------------------------------------------------------- */

struct reading {
    struct ws__reader r;
    struct ws__buf in;
    const uint8_t *left; /* of the stream */
    size_t n;
    bool by_pieces;
    struct story *story;
};

static struct ws__pool buffers = { .make = ws__alloc,
                                   .destroy = ws_free,
                                   .size = 512 };
static struct ws__pool inflaters = { .make = ws__inflate_make,
                                     .destroy = ws__inflate_destroy };

/* Some of what is left, where the reader wants it. */
static void receive_some(struct reading *g)
{
    uint8_t *to;
    size_t room, n = 1 + roll(roll(4) == 0 ? 700 : 40);
    bool direct = ws__reader_window(&g->r, &g->in, &to, &room);

    if (!direct) {
        if (!g->in.begin)
            CHECK(ws__buf_lend(&g->in, &buffers) == 0);
        CHECK(ws__buf_reserve(&g->in, ws__reader_wants(&g->r, &g->in),
                              g->r.in_max, &buffers) == 0);
        to = g->in.last;
        room = ws__buf_room(&g->in) - 1;
    }
    CHECK(room > 0);
    n = n < g->n ? n : g->n;
    n = n < room ? n : room;
    memcpy(to, g->left, n);
    g->left += n;
    g->n -= n;
    if (direct)
        ws__reader_filled(&g->r, n);
    else
        g->in.last += n;
}

/* A connection that waits makes do with less. */
static void idle_some(struct reading *g)
{
    ws__reader_idle(&g->r, roll(2));
    if (ws__buf_used(&g->in) == 0 && g->in.lent)
        ws__buf_release(&g->in, &buffers);
    else if (g->in.lent && roll(2))
        CHECK(ws__buf_resize(&g->in, 1, &buffers) == 0);
}

/* Is the next message there in full?  What a NUL lies over is in the stream. */
static bool next_is_there(const struct reading *g)
{
    size_t n = ws__buf_used(&g->in);
    const uint8_t *p = g->left - n;
    struct ws__frame f;
    int size = ws__frame_decode(&f, p, n);

    return size > 0 && f.fin &&
           (f.opcode == WS_TEXT || f.opcode == WS_BINARY) &&
           f.len <= n - (size_t)size;
}

static void take_message(struct reading *g)
{
    ws_message *m = &g->r.message;
    bool in_place = g->r.borrowed_end != NULL;

    CHECK(m->data[m->len] == '\0');
    tell(&g->story->messages, m->data, m->len);
    story_message_ends(g->story, (uint8_t)m->type);
    if (in_place)
        CHECK(ws__reader_has_next(&g->r, &g->in) == next_is_there(g));
    else if (ws__reader_has_next(&g->r, &g->in))
        CHECK(next_is_there(g));
    memset(m->data, 0xa5, m->len); /* it is the application's */
}

/* Where one message has its start and its end in one call, the frame tells its
 * type. */
static void take_piece(struct reading *g, uint8_t type, const char *piece)
{
    tell(&g->story->messages, piece, g->r.piece);
    if (g->r.piece > 0)
        return;
    story_message_ends(g->story, type ? type : g->r.frame.opcode);
}

static enum ws__event next_event(struct reading *g)
{
    char piece[600];
    uint8_t type = g->r.type;

    if (type == 0 && !g->r.in_payload && roll(3) == 0)
        g->by_pieces = roll(2);
    if (!g->by_pieces)
        return ws__reader_next(&g->r, &g->in);
    enum ws__event event =
        ws__reader_piece(&g->r, &g->in, piece, 1 + roll(sizeof(piece)));
    if (event == WS__PIECE)
        take_piece(g, type, piece);
    return event;
}

/* Returns false at the end. */
static bool reading_step(struct reading *g)
{
    switch (next_event(g)) {
    case WS__NEED_INPUT:
        if (g->n == 0)
            return false;
        if (roll(8) == 0)
            idle_some(g);
        receive_some(g);
        return true;
    case WS__MESSAGE:
        take_message(g);
        return true;
    case WS__CONTROL:
        story_control(g->story, g->r.control.type, g->r.control.data,
                      g->r.control.len);
        return true;
    case WS__FAILED:
        story_fails(g->story, g->r.error, g->r.close_code);
        return false;
    case WS__PIECE:
    case WS__GO_ON:
        return true;
    }
    return true;
}

static void reader_read(const struct rules *rules, const uint8_t *p, size_t n,
                        struct story *story)
{
    struct reading g = { .r = { .client = rules->client,
                                .compression = rules->compression,
                                .takeover = rules->takeover,
                                .limit = rules->limit,
                                .in_max = rules->in_max,
                                .buffers = &buffers,
                                .inflaters = &inflaters },
                         .left = p,
                         .n = n,
                         .story = story };

    story_clear(story);
    while (reading_step(&g))
        continue;
    ws__reader_fini(&g.r);
    ws__buf_release(&g.in, &buffers);
}

/* ---- Both --------------------------------------------------------------- */

static bool are_same(const struct told *a, size_t na, const struct told *b,
                     size_t nb)
{
    return na == nb && memcmp(a->bytes, b->bytes, na) == 0;
}

/* Of what is wrong with an inflated message at two places, the reader may come
 * across the second one first, if they came at once: text that is none is looked
 * at when it was inflated. */
static bool fail_the_same(const struct story *model, const struct story *reader)
{
    return model->failed == reader->failed &&
           model->close_code == reader->close_code &&
           (model->error == reader->error || model->inflating);
}

static bool tell_the_same(const struct story *model, const struct story *reader)
{
    return are_same(&model->messages, model->ended, &reader->messages,
                    reader->ended) &&
           are_same(&model->controls, model->controls.n, &reader->controls,
                    reader->controls.n) &&
           fail_the_same(model, reader);
}

#endif
