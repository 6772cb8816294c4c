/* SPDX-License-Identifier: MIT */

#include "load_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { HEAD = 14, TAIL = 4, SMALL = 4096 };

static uint32_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static void fill_binary(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)next_random();
}

/* Trades as an exchange might report them: deflate finds something to do, and
 * not too much. */
static void fill_text(uint8_t *p, size_t n)
{
    static const char *const sides[] = { "buy", "sell" };
    static const char *const pairs[] = { "EURUSD", "USDJPY", "GBPCHF" };
    size_t done = 0;

    while (done < n) {
        char row[128];
        uint32_t a = next_random(), b = next_random();
        int len = snprintf(row, sizeof(row),
                           "{\"trade\":%u,\"pair\":\"%s\",\"side\":\"%s\","
                           "\"price\":%u.%04u,\"amount\":%u},",
                           a % 1000000, pairs[b % 3], sides[a >> 31], b % 200,
                           a % 10000, b % 5000);
        size_t part = (size_t)len < n - done ? (size_t)len : n - done;

        memcpy(p + done, row, part);
        done += part;
    }
}

/* Compress one message as RFC 7692, 7.2.1 has it.  Returns its length; room
 * must do for deflateBound() and the tail. */
static size_t pack(uint8_t *to, size_t room, const uint8_t *p, size_t n)
{
    z_stream z = { 0 };

    if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        load_fail("no memory for zlib");
    z.next_in = (Bytef *)p;
    z.avail_in = (uInt)n;
    z.next_out = to;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_out == 0)
        load_fail("zlib does not compress %zu bytes", n);
    deflateEnd(&z);
    return room - z.avail_out - TAIL;
}

/* RFC 6455, 5.2.  Returns the length of the head without its mask key. */
static size_t put_head(uint8_t *p, uint8_t first, size_t n)
{
    size_t bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;

    p[0] = first;
    p[1] = 0x80 | (uint8_t)(bytes == 0 ? n : bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < bytes; i++)
        p[2 + i] = (uint8_t)((uint64_t)n >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

static size_t put_frame(uint8_t *to, uint8_t first, const uint8_t *p, size_t n)
{
    size_t at = put_head(to, first, n);
    uint8_t *key = to + at;

    /* A zero would leave bytes unmasked: servers must not get away with it. */
    for (int i = 0; i < 4; i++)
        key[i] = (uint8_t)(1 + next_random() % 255);
    for (size_t i = 0; i < n; i++)
        key[4 + i] = p[i] ^ key[i % 4];
    return at + 4 + n;
}

static size_t put_message(uint8_t *to, const struct frames *f,
                          const struct load_options *o, size_t slot)
{
    const uint8_t *plain = frames_plain(f, slot);

    if (!o->deflate)
        return put_frame(to, f->first, plain, f->size);

    size_t room = compressBound(f->size) + 64;
    uint8_t *packed = load_alloc(room);
    size_t n = pack(packed, room, plain, f->size);
    size_t len = put_frame(to, f->first | 0x40, packed, n);

    free(packed);
    return len;
}

static void fill(struct frames *f, bool binary)
{
    f->plain = load_alloc(f->slots * f->size);
    for (size_t i = 0; i < f->slots; i++)
        (binary ? fill_binary : fill_text)(f->plain + i * f->size, f->size);
}

void frames_init(struct frames *f, const struct load_options *o)
{
    size_t least = o->size <= SMALL ? 8 : 2;
    size_t room = compressBound(o->size) + 64 + HEAD;

    f->size = o->size;
    f->slots = o->depth > least ? o->depth : least;
    f->first = o->binary ? 0x82 : 0x81;
    fill(f, o->binary);

    size_t count = f->slots + o->depth;

    f->wire = load_alloc(count * room);
    f->begin = load_alloc((count + 1) * sizeof(*f->begin));
    for (size_t i = 0; i < f->slots; i++)
        f->begin[i + 1] =
            f->begin[i] + put_message(f->wire + f->begin[i], f, o, i);
    for (size_t i = 0; i < o->depth; i++) {
        size_t len = f->begin[i + 1] - f->begin[i];
        size_t at = f->begin[f->slots + i];

        memcpy(f->wire + at, f->wire + f->begin[i], len);
        f->begin[f->slots + i + 1] = at + len;
    }
}

void frames_fini(struct frames *f)
{
    free(f->plain);
    free(f->wire);
    free(f->begin);
}
