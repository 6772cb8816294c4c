/* SPDX-License-Identifier: MIT */

/*
 * The reader beside the one of reader_model.h: whatever comes, in pieces of
 * whatever size, both say the same.
 *
 * reader_model_test [CASES [SEED]]
 */

#include "reader_model.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "proto/reader.h"

enum {
    MESSAGE_MAX = 70000,
    SURELY = 1000, /* of so many cases enough are of each kind */
};

static long cases = 3000;
static uint64_t seed = 1;

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
            assert_int_equal(ws__buf_lend(&g->in, &buffers), 0);
        assert_int_equal(ws__buf_reserve(&g->in,
                                         ws__reader_wants(&g->r, &g->in),
                                         g->r.in_max, &buffers),
                         0);
        to = g->in.last;
        room = ws__buf_room(&g->in) - 1;
    }
    assert_true(room > 0);
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
        assert_int_equal(ws__buf_resize(&g->in, 1, &buffers), 0);
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

    assert_int_equal(m->data[m->len], '\0');
    tell(&g->story->messages, m->data, m->len);
    story_message_ends(g->story, (uint8_t)m->type);
    if (in_place)
        assert_int_equal(ws__reader_has_next(&g->r, &g->in), next_is_there(g));
    else if (ws__reader_has_next(&g->r, &g->in))
        assert_true(next_is_there(g));
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

/* ---- Streams ------------------------------------------------------------ */

struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t n;
    bool client; /* is to read it */
};

/* The lengths where something begins or ends, and those in between. */
static size_t some_length(void)
{
    static const unsigned edges[] = {
        0,  1,  2,   3,   4,   7,   8,   16,  31,  32,  63,   64,
        65, 96, 125, 126, 127, 128, 490, 505, 511, 512, 1024, 4090
    };

    if (roll(256) == 0)
        return 65534 + roll(4);
    if (roll(3) == 0)
        return edges[roll(COUNT(edges))] + roll(2);
    return roll(roll(8) == 0 ? 2000 : 60);
}

static void put_frame(struct stream *s, unsigned first, const uint8_t *data,
                      size_t n)
{
    bool masked = !s->client;
    struct ws__frame f = { .opcode = first & 0xf,
                           .fin = first & FIN,
                           .rsv1 = first & RSV1,
                           .masked = roll(200) == 0 ? !masked : masked,
                           .len = n };

    for (size_t i = 0; i < sizeof(f.key); i++)
        f.key[i] = (uint8_t)roll(256);
    assert_true(n + WS__FRAME_HEADER_MAX <= sizeof(s->bytes) - s->n);
    s->n += ws__frame_encode(&f, s->bytes + s->n);
    for (size_t i = 0; i < n; i++)
        s->bytes[s->n++] = f.masked ? data[i] ^ f.key[i % 4] : data[i];
}

static void put_controls(struct stream *s)
{
    static const uint8_t opcodes[] = { PING, PONG, CLOSE };
    uint8_t data[125];

    while (roll(4) == 0) {
        size_t n = roll(4) == 0 ? roll(sizeof(data) + 1) : roll(4);

        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)roll(256);
        put_frame(s, FIN | opcodes[roll(3)], data, n);
    }
}

/* Mostly valid, and mostly ASCII. */
static void make_text(uint8_t *p, size_t n)
{
    static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac",
                                              "\xed\x9f\xbf",
                                              "\xf0\x9f\x98\x80",
                                              "\xf4\x8f\xbf\xbf" };
    bool ascii = roll(2);

    for (size_t i = 0; i < n;) {
        const char *c = characters[roll(COUNT(characters))];
        size_t k = strlen(c);

        if (ascii || k > n - i || roll(3) > 0)
            p[i++] = (uint8_t)roll(128);
        else
            for (const char *end = c + k; c < end; c++)
                p[i++] = (uint8_t)*c;
    }
    if (n > 0 && roll(10) == 0)
        p[roll((unsigned)n)] = (uint8_t)roll(256);
}

/* RFC 7692, section 7.2.1.  Returns the size. */
static size_t compress_message(uint8_t *out, size_t room, uint8_t *p, size_t n)
{
    static z_stream z;

    if (!z.state)
        assert_int_equal(
            deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    deflateReset(&z);
    z.next_in = p;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    size_t size = room - z.avail_out;
    if (n == 0) { /* zlib flushes nothing twice; some send not even that */
        out[0] = 0;
        return roll(2);
    }
    return size - 4;
}

static void put_message(struct stream *s, bool compression)
{
    static uint8_t plain[MESSAGE_MAX], packed[2 * MESSAGE_MAX];
    size_t n = some_length();
    unsigned type = WS_TEXT + roll(2), rsv1 = compression && roll(2) ? RSV1 : 0;
    const uint8_t *p = rsv1 ? packed : plain;

    make_text(plain, n);
    if (rsv1)
        n = compress_message(packed, sizeof(packed), plain, n);
    for (unsigned first = type | rsv1;; first = 0) {
        size_t k = roll(2) ? n : roll((unsigned)n + 1);
        bool last = k == n && roll(8) > 0;

        if (!rsv1 && roll(60) == 0)
            first = roll(256) & ~(compression ? RSV1 : 0u);
        put_frame(s, first | (last ? FIN : 0), p, k);
        put_controls(s);
        p += k;
        n -= k;
        if (last)
            return;
    }
}

/* A huge length, or one that is not the shortest. */
static void put_long_header(struct stream *s)
{
    size_t at = s->n;

    put_frame(s, FIN | WS_BINARY, s->bytes, 0);
    s->n = at + 2;
    s->bytes[at + 1] |= roll(2) ? 127 : 126;
    for (unsigned i = 0; i < 8; i++)
        s->bytes[s->n++] = roll(3) ? 0 : (uint8_t)roll(256);
}

static void spoil(struct stream *s)
{
    for (unsigned k = roll(3); k > 0; k--)
        s->bytes[roll((unsigned)s->n)] ^= (uint8_t)(1u << roll(8));
    if (roll(4) == 0)
        s->n = roll((unsigned)s->n + 1);
}

/* ---- Both --------------------------------------------------------------- */

static struct rules some_rules(void)
{
    static const int limits[] = { 0, 1, 50, 125, 126, 505, 600, 65536 };

    return (struct rules){ .client = roll(3) == 0,
                           .compression = roll(3) == 0,
                           .limit = roll(2) ? -1 : limits[roll(COUNT(limits))],
                           .in_max = roll(2) ? 512 : 4096 };
}

/* What compressed bytes that were spoilt amount to is zlib's to say. */
static void make_stream(struct stream *s, const struct rules *rules)
{
    s->n = 0;
    s->client = rules->client;
    put_controls(s);
    for (unsigned k = 1 + roll(5); k > 0; k--)
        put_message(s, rules->compression);
    if (roll(30) == 0)
        put_long_header(s);
    if (!rules->compression && roll(4) == 0)
        spoil(s);
}

static bool are_same(const struct told *a, size_t na, const struct told *b,
                     size_t nb)
{
    return na == nb && memcmp(a->bytes, b->bytes, na) == 0;
}

/* Behind what it finds wrong in an inflated message, zlib may hold more until
 * the next bytes come. */
static bool tell_the_same(const struct story *model, const struct story *reader)
{
    const struct told *of = &model->controls, *is = &reader->controls;
    size_t n = is->n;

    if (!are_same(&model->messages, model->ended, &reader->messages,
                  reader->ended))
        return false;
    if (model->vaguely)
        return of->n <= n && are_same(of, of->n, is, of->n);
    return are_same(of, of->n, is, n) && model->failed == reader->failed &&
           model->error == reader->error &&
           model->close_code == reader->close_code;
}

static void the_reader_says_what_the_rfc_does(void **state)
{
    (void)state;
    static struct stream s;
    static struct story model, reader;
    static struct {
        long failed, messages;
    } seen;

    for (long i = 0; i < cases; i++) {
        uint64_t here = seed + (uint64_t)i;

        dice = here * 0x9e3779b97f4a7c15u | 1;
        struct rules rules = some_rules();
        make_stream(&s, &rules);
        model_read(&rules, s.bytes, s.n, &model);
        reader_read(&rules, s.bytes, s.n, &reader);
        if (!tell_the_same(&model, &reader))
            fail_msg("seed %llu: %zu messages and error %d, by the RFC %zu "
                     "and %d",
                     (unsigned long long)here, reader.count, reader.error,
                     model.count, model.error);
        seen.failed += model.failed;
        seen.messages += (long)model.count;
    }
    ws__pool_fini(&buffers);
    ws__pool_fini(&inflaters);
    if (cases >= SURELY)
        assert_true(seen.failed > cases / 20 && seen.messages > cases);
    if (cases > 10000)
        print_message("%ld streams, %ld of them refused, %ld messages\n", cases,
                      seen.failed, seen.messages);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_says_what_the_rfc_does),
    };

    if (argc > 1)
        cases = atol(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
