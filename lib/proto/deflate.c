/* SPDX-License-Identifier: MIT */

#include "proto/deflate.h"

#include <errno.h>

#include <zlib.h>

#include "base/alloc.h"
#include "proto/alone.h"
#include "proto/zalloc.h"

enum {
    /* Clearing zlib's own 8 costs a microsecond for each message, and as a
     * connection's own takes 110 KiB more; larger messages end up as large. */
    MEM_LEVEL = 5,
    LEVEL_MIN = -2,
    LEVEL_MAX = 9,
    HUFFMAN_ONLY = -2,

    TAIL = 4,      /* 00 00 ff ff, taken off the end of a message */
    ROOM_MIN = 64, /* a flush needs more than 6 bytes of room (zlib.h) */

    /* Less is as quick by zlib, and more would overflow ISA-L's numbers. */
    ALONE_LEVEL = 1,
    ALONE_MIN = 64,
    ALONE_MAX = 1 << 30,
};

struct ws__deflate {
    z_stream z;
    int level;
    int wanted; /* the level from this message on */
    bool stale; /* zlib's window is not to be looked back at */

    size_t bits;
    void *alone; /* made when it is first asked for */
};

void *ws__deflate_make(size_t bits)
{
    struct ws__deflate *d = ws__zalloc(sizeof(*d));

    if (!d)
        return NULL;
    d->z.zalloc = ws__zlib_alloc;
    d->z.zfree = ws__zlib_free;
    d->level = d->wanted = 1;
    d->bits = bits;
    if (deflateInit2(&d->z, d->level, Z_DEFLATED, -(int)bits, MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        ws_free(d);
        return NULL;
    }
    return d;
}

void ws__deflate_destroy(void *deflate)
{
    struct ws__deflate *d = deflate;

    if (!d)
        return;
    ws__alone_destroy(d->alone);
    deflateEnd(&d->z);
    ws_free(d);
}

bool ws__deflate_level_valid(int level)
{
    return level >= LEVEL_MIN && level <= LEVEL_MAX;
}

void ws__deflate_begin(struct ws__deflate *d, int level, bool keep)
{
    d->wanted = level;
    d->stale = d->stale || !keep;
}

void ws__deflate_reset(struct ws__deflate *d)
{
    d->stale = true;
}

/* Run zlib until it has nothing left to say. */
static int drain(struct ws__deflate *d, int flush, struct ws__buf *out,
                 struct ws__pool *pool)
{
    do {
        int error = ws__buf_reserve(out, ROOM_MIN, SIZE_MAX / 2, pool);

        if (error != 0)
            return error;
        size_t room = ws__buf_room(out);
        d->z.next_out = out->last;
        d->z.avail_out = room < INT32_MAX ? (uInt)room : INT32_MAX;
        deflate(&d->z, flush);
        out->last = d->z.next_out;
    } while (d->z.avail_out == 0);
    return 0;
}

/* At the beginning of a message, when nothing is pending. */
static int change_level(struct ws__deflate *d, struct ws__buf *out,
                        struct ws__pool *pool)
{
    if (d->level == d->wanted)
        return 0;

    int error = ws__buf_reserve(out, ROOM_MIN, SIZE_MAX / 2, pool);
    if (error != 0)
        return error;
    bool huffman = d->wanted == HUFFMAN_ONLY;
    d->z.avail_in = 0;
    d->z.next_out = out->last;
    d->z.avail_out = ROOM_MIN;
    deflateParams(&d->z, huffman ? Z_DEFAULT_COMPRESSION : d->wanted,
                  huffman ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY);
    out->last = d->z.next_out;
    d->level = d->wanted;
    return 0;
}

int ws__deflate_run(struct ws__deflate *d, const uint8_t *p, size_t n,
                    enum ws__flush flush, struct ws__buf *out,
                    struct ws__pool *pool)
{
    static const int zlib_flush[] = {
        [WS__MORE] = Z_NO_FLUSH,
        [WS__FLUSH] = Z_SYNC_FLUSH,
        [WS__LAST] = Z_SYNC_FLUSH,
    };
    size_t before = ws__buf_used(out);

    if (d->stale)
        deflateReset(&d->z);
    d->stale = false;
    int error = change_level(d, out, pool);

    while (error == 0 && n > INT32_MAX) {
        d->z.next_in = (z_const Bytef *)p;
        d->z.avail_in = INT32_MAX;
        error = drain(d, Z_NO_FLUSH, out, pool);
        p += INT32_MAX;
        n -= INT32_MAX;
    }
    if (error == 0) {
        d->z.next_in = (z_const Bytef *)p;
        d->z.avail_in = (uInt)n;
        error = drain(d, zlib_flush[flush], out, pool);
    }
    if (error != 0 || flush != WS__LAST)
        return error;

    /* zlib says nothing when there is nothing new since the last flush; what
     * stands for an empty message is then one zero (RFC 7692, 7.2.3.6). */
    if (ws__buf_used(out) - before >= TAIL)
        out->last -= TAIL;
    else
        *out->last++ = 0;
    return 0;
}

/* ---- Messages on their own ---------------------------------------------- */

static void *alone_for(struct ws__deflate *d, size_t n)
{
    if (d->wanted != ALONE_LEVEL || n < ALONE_MIN || n > ALONE_MAX)
        return NULL;
    if (!d->alone)
        d->alone = ws__alone_make(d->bits);
    return d->alone;
}

int ws__deflate_alone(struct ws__deflate *d, const uint8_t *p, size_t n,
                      struct ws__buf *out, struct ws__pool *pool)
{
    void *alone = alone_for(d, n);
    size_t made = 0;

    if (alone) {
        int error =
            ws__buf_reserve(out, ws__alone_bound(n), SIZE_MAX / 2, pool);
        if (error != 0)
            return error;
        made = ws__alone_deflate(alone, p, n, out->last, ws__buf_room(out));
        out->last += made;
    }
    return made > 0 ? 0 : ws__deflate_run(d, p, n, WS__LAST, out, pool);
}
