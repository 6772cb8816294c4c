/* SPDX-License-Identifier: MIT */

#include "limit_pack.h"

#include <string.h>

#include <libdeflate.h>

#include "limit_wire.h"

enum { STEP = 4096, TAIL = 9 };

const char limit_packer[] = "libdeflate";

static struct libdeflate_compressor *packer(void)
{
    static struct libdeflate_compressor *c;

    if (!c)
        c = limit_need(libdeflate_alloc_compressor(1));
    return c;
}

static struct libdeflate_decompressor *unpacker(void)
{
    static struct libdeflate_decompressor *d;

    if (!d)
        d = limit_need(libdeflate_alloc_decompressor());
    return d;
}

size_t limit_bound(size_t n)
{
    return libdeflate_deflate_compress_bound(packer(), n) + 1;
}

uint8_t *limit_inflate(const uint8_t *p, size_t n, size_t *len)
{
    /* What RFC 7692, 7.2.1 cuts off, and an empty block that is the last. */
    static const uint8_t tail[TAIL] = { 0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff };
    static uint8_t *packed, *plain;
    static size_t packed_room, room;
    enum libdeflate_result code;

    limit_room(&packed, &packed_room, n + TAIL);
    memcpy(packed, p, n);
    memcpy(packed + n, tail, TAIL);
    limit_room(&plain, &room, STEP);
    while ((code = libdeflate_deflate_decompress(unpacker(), packed, n + TAIL,
                                                 plain, room, len)) ==
           LIBDEFLATE_INSUFFICIENT_SPACE)
        limit_room(&plain, &room, room + 1);
    if (code != LIBDEFLATE_SUCCESS)
        limit_fail("inflate", "expected deflated data");
    return plain;
}

size_t limit_deflate(uint8_t *to, const uint8_t *p, size_t n)
{
    size_t len =
        libdeflate_deflate_compress(packer(), p, n, to, limit_bound(n) - 1);

    /* Its last block says that it is the last: RFC 7692, 7.2.3.4. */
    to[len] = 0;
    return len + 1;
}
