/* SPDX-License-Identifier: MIT */

#include "base/buf.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/poison.h"

static void place(struct ws__buf *b, uint8_t *memory, size_t size, size_t used,
                  bool lent)
{
    b->begin = b->pos = memory;
    b->last = memory + used;
    b->end = memory + size;
    b->lent = lent;
}

int ws__buf_lend(struct ws__buf *b, struct ws__pool *pool)
{
    uint8_t *memory = ws__pool_get(pool);

    if (!memory)
        return -ENOMEM;
    ws__unpoison(memory, pool->size);
    place(b, memory, pool->size, 0, true);
    return 0;
}

/* Lent memory is poisoned as long as it is nobody's, so that whoever uses a
 * message too late is found out. */
static void let_memory_go(uint8_t *memory, bool lent, struct ws__pool *pool)
{
    if (!lent) {
        ws_free(memory);
        return;
    }
    ws__poison(memory, pool->size);
    ws__pool_put(pool, memory);
}

/* What is large moves by its pages, which takes less than to copy it. */
static int move_own(struct ws__buf *b, size_t size)
{
    size_t used = ws__buf_used(b);
    uint8_t *memory = ws__realloc(b->begin, size);

    if (!memory)
        return -ENOMEM;
    place(b, memory, size, used, false);
    return 0;
}

static int move_to(struct ws__buf *b, size_t size, struct ws__pool *pool)
{
    if (b->begin && !b->lent && b->pos == b->begin)
        return move_own(b, size);

    size_t used = ws__buf_used(b);
    struct ws__buf old = *b;
    uint8_t *memory = ws__alloc(size);

    if (!memory)
        return -ENOMEM;
    if (used > 0)
        memcpy(memory, old.pos, used);
    place(b, memory, size, used, false);
    let_memory_go(old.begin, old.lent, pool);
    return 0;
}

static size_t power_of_two(size_t n)
{
    size_t size = 64;

    while (size < n && size <= SIZE_MAX / 2)
        size *= 2;
    return size < n ? n : size;
}

int ws__buf_reserve(struct ws__buf *b, size_t n, size_t max,
                    struct ws__pool *pool)
{
    size_t used = ws__buf_used(b);

    if (ws__buf_room(b) >= n)
        return 0;
    if (n > SIZE_MAX / 2 - used)
        return -ENOMEM;
    if (ws__buf_size(b) >= used + n) {
        memmove(b->begin, b->pos, used);
        b->pos = b->begin;
        b->last = b->begin + used;
        return 0;
    }
    size_t size = power_of_two(used + n);
    if (size > max)
        size = max > used + n ? max : used + n;
    return move_to(b, size, pool);
}

int ws__buf_resize(struct ws__buf *b, size_t n, struct ws__pool *pool)
{
    if (n > SIZE_MAX / 2 - ws__buf_used(b))
        return -ENOMEM;
    return move_to(b, power_of_two(ws__buf_used(b) + n), pool);
}

bool ws__buf_shrink(struct ws__buf *b, size_t n)
{
    if (b->lent || ws__buf_size(b) <= n)
        return false;
    b->pos = b->last = b->begin;
    return move_own(b, ws__buf_size(b) - n) == 0;
}

void ws__buf_append(struct ws__buf *b, const void *data, size_t n)
{
    if (n > 0)
        memcpy(b->last, data, n);
    b->last += n;
}

void ws__buf_release(struct ws__buf *b, struct ws__pool *pool)
{
    if (b->begin)
        let_memory_go(b->begin, b->lent, pool);
    *b = (struct ws__buf){ 0 };
}
