/* SPDX-License-Identifier: MIT */

/* Inflating a message in one go, by libdeflate where the library was built with it,
 * and in steps, by zlib: both make the same of it, whatever the sizes of the steps
 * and the room for what comes of it. */

#include "fuzz/fuzz.h"

#include <zlib.h>

#include "proto/inflate.h"

enum { ROOM = 64 * 1024 };

struct made {
    int code; /* 0: it ended well; else an error */
    bool cut; /* there was no room for all */
    size_t n;
    uint8_t bytes[ROOM];
};

/* What is left of the message, or of its end, with so much room. */
static int inflate_some(struct ws__inflate *f, struct input *left, size_t n,
                        size_t room, struct made *m)
{
    struct ws__inflated done = { 0 };
    int code =
        left->n > 0
            ? ws__inflate_step(f, left->p, n, m->bytes + m->n, room, &done)
            : ws__inflate_finish(f, m->bytes + m->n, room, &done.made);

    CHECK(code == 0 || code == WS_ERR_DEFLATE || (code == 1 && left->n == 0));
    CHECK(done.taken <= n && done.made <= room);
    CHECK(code != 0 || done.made == room || done.taken == n);
    take_bytes(left, done.taken);
    m->n += done.made;
    return code;
}

static void inflate_in_steps(struct ws__inflate *f, struct input left,
                             struct steps sizes, struct steps rooms, size_t cap,
                             struct made *m)
{
    int code = 0;

    m->n = 0;
    ws__inflate_begin(f, false);
    while (code == 0 && m->n < cap)
        code = inflate_some(f, &left, step(&sizes, left.n),
                            step(&rooms, cap - m->n), m);
    m->cut = m->n == cap; /* zlib may have looked at what follows */
    m->code = code < 0 && !m->cut ? code : 0;
}

static void check_same(const struct made *a, const struct made *b)
{
    CHECK(a->code == b->code && a->cut == b->cut);
    if (a->code == 0)
        CHECK(a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0);
}

/* What zlib says of such codes and lengths, libdeflate does not mind: docs/
 * compression.md. */
static bool is_known(const struct input *in, size_t cap)
{
    static const char *const texts[] = {
        "invalid bit length repeat",
        "invalid code lengths set",
        "invalid distance code",
        "invalid literal/length code",
        "too many length or distance symbols",
    };
    static uint8_t out[ROOM];
    bool known = false;
    z_stream z = { .next_in = (uint8_t *)in->p,
                   .avail_in = (uInt)in->n,
                   .next_out = out,
                   .avail_out = (uInt)cap };

    CHECK(inflateInit2(&z, -15) == Z_OK);
    inflate(&z, Z_SYNC_FLUSH);
    for (size_t i = 0; z.msg && i < COUNT(texts); i++)
        known = known || strcmp(z.msg, texts[i]) == 0;
    inflateEnd(&z);
    return known;
}

/* It may leave the message to the steps, but not take one that these refuse. */
static void check_whole(struct ws__inflate *f, struct input in, size_t cap,
                        const struct made *right)
{
    static uint8_t message[1 << 20], out[ROOM];
    static const uint8_t behind[WS__WHOLE_TAIL] = "behind it";
    size_t made;

    if (in.n == 0)
        return;
    CHECK(in.n <= sizeof(message) - WS__WHOLE_TAIL);
    memcpy(message, in.p, in.n);
    memcpy(message + in.n, behind, WS__WHOLE_TAIL);
    bool whole = ws__inflate_whole(f, message, in.n, out, cap, &made);
    CHECK(memcmp(message, in.p, in.n) == 0);
    CHECK(memcmp(message + in.n, behind, WS__WHOLE_TAIL) == 0);
    if (!whole || (right->code != 0 && is_known(&in, cap)))
        return;
    CHECK(right->code == 0 && made == right->n);
    CHECK(memcmp(out, right->bytes, made) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ws__inflate *f;
    static struct made right, split;
    struct input in = { data, size };
    size_t cap = (size_t)take_byte(&in) * 256 + take_byte(&in);
    struct steps sizes = take_steps(&in), rooms = take_steps(&in);

    f = f ? f : ws__inflate_make(0);
    CHECK(f && cap < ROOM);
    inflate_in_steps(f, in, (struct steps){ 0 }, (struct steps){ 0 }, cap,
                     &right);
    inflate_in_steps(f, in, sizes, rooms, cap, &split);
    check_same(&right, &split);
    check_whole(f, in, cap, &right);
    return 0;
}
