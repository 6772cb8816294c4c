/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_DEFLATE_H
#define WS_PROTO_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A compressor for permessage-deflate (RFC 7692). */
struct ws__deflate;

/* For a pool (base/pool.h); size is the bits of its window, 9 .. 15.  NULL when
 * there is no memory. */
void *ws__deflate_make(size_t bits);
void ws__deflate_destroy(void *deflate);

/* Levels are zlib's 0 .. 9, -1 for its default, and -2 for Huffman codes
 * alone. */
bool ws__deflate_level_valid(int level);

/* Begin a message; keep says that the window of the last one lives on. */
void ws__deflate_begin(struct ws__deflate *d, int level, bool keep);

/* Compress a message on its own, which was begun without the window of the last
 * one, and whose window the next one is begun without.  Else as below. */
int ws__deflate_alone(struct ws__deflate *d, const uint8_t *p, size_t n,
                      struct ws__buf *out, struct ws__pool *pool);

/* Forget the window: the next message looks back at nothing. */
void ws__deflate_reset(struct ws__deflate *d);

enum ws__flush {
    WS__MORE,  /* more will follow; bytes may be kept inside */
    WS__FLUSH, /* all of it can be read by the peer, more will follow */
    WS__LAST,  /* the end of the message */
};

/* Compress n bytes and append them to out, which grows.  Returns 0 or
 * -ENOMEM. */
int ws__deflate_run(struct ws__deflate *d, const uint8_t *p, size_t n,
                    enum ws__flush flush, struct ws__buf *out,
                    struct ws__pool *pool);

#endif
