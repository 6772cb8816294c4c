/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_BUF_H
#define WS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"

/*
 * A buffer: bytes in [pos, last), room in [last, end).  A zeroed one is empty
 * and has no memory.  Its memory is lent by a pool, or its own.
 */
struct ws__buf {
    uint8_t *begin;
    uint8_t *pos;
    uint8_t *last;
    uint8_t *end;
    bool lent;
};

static inline size_t ws__buf_used(const struct ws__buf *b)
{
    return (size_t)(b->last - b->pos);
}

static inline size_t ws__buf_room(const struct ws__buf *b)
{
    return (size_t)(b->end - b->last);
}

static inline size_t ws__buf_size(const struct ws__buf *b)
{
    return (size_t)(b->end - b->begin);
}

/* Give an empty buffer without memory the memory of one of the pool's.  Returns
 * 0 or -ENOMEM. */
int ws__buf_lend(struct ws__buf *b, struct ws__pool *pool);

/* Make room for at least n more bytes behind last: by moving the bytes to the
 * front, else by growing to a power of two that is at most max (which is at
 * least used + n).  Lent memory goes back to the pool when it is outgrown.
 * Returns 0 or -ENOMEM, and the bytes stay as they were. */
int ws__buf_reserve(struct ws__buf *b, size_t n, size_t max,
                    struct ws__pool *pool);

/* Move the bytes into memory of their own, of size at least used + n. */
int ws__buf_resize(struct ws__buf *b, size_t n, struct ws__pool *pool);

/* Give back the last n bytes of memory of its own, and forget what is in it.
 * Returns false if there is no more than that. */
bool ws__buf_shrink(struct ws__buf *b, size_t n);

/* Append n bytes that there is room for. */
void ws__buf_append(struct ws__buf *b, const void *data, size_t n);

/* Let go of the memory: back to the pool, or freed.  b is zeroed. */
void ws__buf_release(struct ws__buf *b, struct ws__pool *pool);

#endif
