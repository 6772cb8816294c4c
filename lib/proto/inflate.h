/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_INFLATE_H
#define WS_PROTO_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/whole.h"

/* A decompressor for permessage-deflate (RFC 7692), with the largest window, so
 * that it reads every peer's messages. */
struct ws__inflate;

/* For a pool (base/pool.h); size is not used.  NULL when there is no memory. */
void *ws__inflate_make(size_t size);
void ws__inflate_destroy(void *inflate);

/* Begin a message; keep says that the window of the last one lives on. */
void ws__inflate_begin(struct ws__inflate *f, bool keep);

/* Before a step of a message: it may look back at these n bytes, at most 32 KiB,
 * as if they had come before it.  Nothing once it has begun. */
void ws__inflate_look_back(struct ws__inflate *f, const uint8_t *p, size_t n);

/* What the next message may look back at, at most 32 KiB, goes to out, if it is
 * not NULL.  Returns its length. */
size_t ws__inflate_window(struct ws__inflate *f, uint8_t *out);

/* What one step has done. */
struct ws__inflated {
    size_t taken; /* bytes of the input */
    size_t made;  /* bytes of the output */
};

/*
 * Inflate from the n bytes at p into at most cap at out, until one of them is
 * used up.  Returns 0, WS_ERR_DEFLATE or -ENOMEM.
 */
int ws__inflate_step(struct ws__inflate *f, const uint8_t *p, size_t n,
                     uint8_t *out, size_t cap, struct ws__inflated *done);

/* May the last step have had no room for something?  Then a further one makes it,
 * also without input; to leave it for when more comes may take long. */
bool ws__inflate_holds(const struct ws__inflate *f);

/*
 * Instead of all steps, for a message of n > 0 bytes that looks back at no
 * other: inflate it into at most cap bytes at out.  Overwrites WS__WHOLE_TAIL
 * bytes behind it meanwhile.  Returns false when it did not, which is no
 * error.
 */
bool ws__inflate_whole(struct ws__inflate *f, uint8_t *p, size_t n,
                       uint8_t *out, size_t cap, size_t *made);

/*
 * All of the message's input was taken: inflate the rest.  Returns 1 when that
 * was all, 0 when there was no room for more, WS_ERR_DEFLATE when the message
 * does not end where a block ends, or -ENOMEM.
 */
int ws__inflate_finish(struct ws__inflate *f, uint8_t *out, size_t cap,
                       size_t *made);

#endif
