/* SPDX-License-Identifier: MIT */

#include "limit_pack.h"

#include <stdbool.h>

#include <zlib.h>

#include "limit_wire.h"

enum { STEP = 4096, TAIL = 4 };

const char limit_packer[] = "zlib";

size_t limit_bound(size_t n)
{
    return compressBound((uLong)n) + 64;
}

/* Whether there may be more to come of what it was given. */
static bool inflate_some(z_stream *z, uint8_t **plain, size_t *room,
                         size_t *len)
{
    limit_room(plain, room, *len + STEP);
    z->next_out = *plain + *len;
    z->avail_out = (uInt)(*room - *len);
    if (inflate(z, Z_NO_FLUSH) == Z_DATA_ERROR)
        limit_fail("inflate", "expected deflated data");
    *len = *room - z->avail_out;
    return z->avail_out == 0;
}

uint8_t *limit_inflate(const uint8_t *p, size_t n, size_t *len)
{
    static const uint8_t tail[TAIL] = { 0, 0, 0xff, 0xff };
    static z_stream z;
    static uint8_t *plain;
    static size_t room;

    if (!plain && inflateInit2(&z, -15) != Z_OK)
        limit_fail("zlib", "there is no memory left");
    inflateReset(&z);
    *len = 0;
    for (int part = 0; part < 2; part++) {
        z.next_in = (Bytef *)(part == 0 ? p : tail);
        z.avail_in = part == 0 ? (uInt)n : TAIL;
        while (inflate_some(&z, &plain, &room, len))
            continue;
    }
    return plain;
}

size_t limit_deflate(uint8_t *to, const uint8_t *p, size_t n)
{
    static z_stream z;
    static bool ready;
    uInt room = (uInt)limit_bound(n);

    if (!ready &&
        deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        limit_fail("zlib", "there is no memory left");
    ready = true;
    deflateReset(&z);
    z.next_in = (Bytef *)p;
    z.avail_in = (uInt)n;
    z.next_out = to;
    z.avail_out = room;
    deflate(&z, Z_SYNC_FLUSH);
    return room - z.avail_out - TAIL;
}
