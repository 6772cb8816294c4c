/* SPDX-License-Identifier: MIT */

#include "proto/inflate.h"

#include <errno.h>

#include <zlib.h>

#include "base/alloc.h"
#include "proto/zalloc.h"

enum {
    WINDOW_BITS = 15,

    /* Of z.data_type: bits of the last byte that are left over, and that a
     * block has just ended. */
    SPARE_BITS = 0x3f,
    AT_BLOCK_END = 0x80,
};

/* What the sender took off the end of its message (RFC 7692, section 7.2.2). */
static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };

struct ws__inflate {
    z_stream z;
    void *whole;    /* made when it is first asked for */
    bool begun;     /* some of this message was taken */
    bool ended;     /* the last block taken had BFINAL set */
    bool between;   /* what was taken ends where a block does */
    bool holds;     /* the last step's room was used up */
    size_t tail_at; /* bytes of the tail taken */
};

void *ws__inflate_make(size_t size)
{
    (void)size;
    struct ws__inflate *f = ws__zalloc(sizeof(*f));

    if (!f)
        return NULL;
    f->z.zalloc = ws__zlib_alloc;
    f->z.zfree = ws__zlib_free;
    if (inflateInit2(&f->z, -WINDOW_BITS) != Z_OK) {
        ws_free(f);
        return NULL;
    }
    return f;
}

void ws__inflate_destroy(void *inflate)
{
    struct ws__inflate *f = inflate;

    if (!f)
        return;
    ws__whole_inflate_destroy(f->whole);
    inflateEnd(&f->z);
    ws_free(f);
}

void ws__inflate_begin(struct ws__inflate *f, bool keep)
{
    if (!keep) {
        inflateReset(&f->z);
        f->ended = false;
    }
    f->begun = f->holds = false;
    f->tail_at = 0;
}

void ws__inflate_look_back(struct ws__inflate *f, const uint8_t *p, size_t n)
{
    if (!f->begun && n > 0)
        inflateSetDictionary(&f->z, p, (uInt)n);
}

size_t ws__inflate_window(struct ws__inflate *f, uint8_t *out)
{
    uInt n = 0;

    inflateGetDictionary(&f->z, out, &n);
    return n;
}

/* A final block ends a DEFLATE stream but not the message: what follows is a
 * further stream that may look back at this one (RFC 7692, section 7.2.3.4).
 * The window stays as it is: a peer may end a stream with every second byte, and
 * to copy it each time would take long. */
static void go_on(struct ws__inflate *f)
{
    inflateResetKeep(&f->z);
    f->ended = false;
}

static bool at_block_end(const struct ws__inflate *f)
{
    return (f->z.data_type & AT_BLOCK_END) && !(f->z.data_type & SPARE_BITS);
}

static uInt zlib_size(size_t n)
{
    return n < INT32_MAX ? (uInt)n : INT32_MAX;
}

bool ws__inflate_holds(const struct ws__inflate *f)
{
    return f->holds;
}

int ws__inflate_step(struct ws__inflate *f, const uint8_t *p, size_t n,
                     uint8_t *out, size_t cap, struct ws__inflated *done)
{
    *done = (struct ws__inflated){ 0 };
    f->holds = false;
    while (done->made < cap) {
        if (f->ended && done->taken < n)
            go_on(f);

        uInt in = zlib_size(n - done->taken),
             room = zlib_size(cap - done->made);
        f->z.next_in = (z_const Bytef *)(p + done->taken);
        f->z.avail_in = in;
        f->z.next_out = out + done->made;
        f->z.avail_out = room;

        int code = f->ended ? Z_BUF_ERROR : inflate(&f->z, Z_SYNC_FLUSH);
        done->taken += in - f->z.avail_in;
        done->made += room - f->z.avail_out;
        f->begun = f->begun || in > 0;
        f->ended = f->ended || code == Z_STREAM_END;
        if (code == Z_MEM_ERROR)
            return -ENOMEM;
        if (code == Z_BUF_ERROR)
            return 0;
        if (code != Z_OK && code != Z_STREAM_END)
            return WS_ERR_DEFLATE;
        /* zlib forgets it in the next call */
        f->between = f->ended || at_block_end(f);
    }
    f->holds = true;
    return 0;
}

bool ws__inflate_whole(struct ws__inflate *f, uint8_t *p, size_t n,
                       uint8_t *out, size_t cap, size_t *made)
{
    if (!f->whole)
        f->whole = ws__whole_inflate_make();
    return f->whole && ws__whole_inflate(f->whole, p, n, out, cap, made);
}

/* Whether a last block ends the message shows only when all of it was made. */
static int make_held(struct ws__inflate *f, uint8_t *out, size_t cap,
                     struct ws__inflated *done)
{
    *done = (struct ws__inflated){ 0 };
    return f->holds && f->tail_at == 0
               ? ws__inflate_step(f, tail, 0, out, cap, done)
               : 0;
}

int ws__inflate_finish(struct ws__inflate *f, uint8_t *out, size_t cap,
                       size_t *made)
{
    struct ws__inflated done;

    int code = make_held(f, out, cap, &done);
    *made = done.made;
    if (code != 0 || (*made > 0 && *made == cap))
        return code;
    /* Some senders leave an empty message empty, or end it with a final block
     * and nothing behind it. */
    if (!f->begun || (f->ended && f->tail_at == 0))
        return 1;

    code = ws__inflate_step(f, tail + f->tail_at, sizeof(tail) - f->tail_at,
                            out + *made, cap - *made, &done);
    f->tail_at += done.taken;
    *made += done.made;
    if (code != 0)
        return code;
    if (*made == cap)
        return 0;
    return f->between ? 1 : WS_ERR_DEFLATE;
}
