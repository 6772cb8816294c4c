/* SPDX-License-Identifier: MIT */

#include <string.h>

#include <libdeflate.h>

#include "base/alloc.h"
#include "proto/whole.h"

/* ---- Memory ------------------------------------------------------------- */

#if LIBDEFLATE_VERSION_MAJOR > 1 || LIBDEFLATE_VERSION_MINOR >= 19

static const struct libdeflate_options options = {
    .sizeof_options = sizeof(options),
    .malloc_func = ws__alloc,
    .free_func = ws_free,
};

void *ws__whole_inflate_make(void)
{
    return libdeflate_alloc_decompressor_ex(&options);
}

#else

/* It has one allocator for the whole process, whose other users must not get
 * ours: so where malloc was replaced, zlib does the work. */
void *ws__whole_inflate_make(void)
{
    return ws__alloc_is_malloc() ? libdeflate_alloc_decompressor() : NULL;
}

#endif

void ws__whole_inflate_destroy(void *inflate)
{
    libdeflate_free_decompressor(inflate);
}

/* ---- Messages ----------------------------------------------------------- */

/* A last block of the peer's ends all; behind it is what an empty one begins
 * with, or nothing.  Else the end is our own last block. */
static bool ends_well(const uint8_t *p, size_t n, size_t taken)
{
    return taken == n + WS__WHOLE_TAIL || taken == n ||
           (taken + 1 == n && p[taken] == 0);
}

bool ws__whole_inflate(void *inflate, uint8_t *p, size_t n, uint8_t *out,
                       size_t cap, size_t *made)
{
    /* What the sender took off (RFC 7692, section 7.2.2), and a last block,
     * which is empty: libdeflate wants one. */
    static const uint8_t tail[WS__WHOLE_TAIL] = {
        0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff,
    };
    uint8_t saved[WS__WHOLE_TAIL];
    size_t taken = 0;

    memcpy(saved, p + n, sizeof(tail));
    memcpy(p + n, tail, sizeof(tail));
    enum libdeflate_result result = libdeflate_deflate_decompress_ex(
        inflate, p, n + sizeof(tail), out, cap, &taken, made);
    memcpy(p + n, saved, sizeof(tail));
    return result == LIBDEFLATE_SUCCESS && ends_well(p, n, taken);
}
