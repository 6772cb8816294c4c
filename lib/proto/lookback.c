/* SPDX-License-Identifier: MIT */

#include "proto/lookback.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

enum {
    WINDOW = 32 * 1024,
    REACH = 4096 - 262, /* zlib's, with a window of 12 bits */
    ENOUGH = 8,         /* a match no encoder passes over */
};

static bool resize(struct ws__lookback *l, size_t n)
{
    uint8_t *p = ws__realloc(l->p, n);

    if (p)
        l->p = p;
    return p;
}

/* An encoder that has a window finds in it how the last message began: there
 * was a match, where this message begins the same way, and it was not referred
 * to.  (In a run of one byte the second may have found a longer one.) */
static bool shows_no_window(const struct ws__lookback *l, const uint8_t *p,
                            size_t n)
{
    return n >= ENOUGH && l->last >= ENOUGH && l->last <= REACH &&
           p[0] != p[1] && memcmp(l->p + l->len - l->last, p, ENOUGH) == 0;
}

int ws__lookback_alone(struct ws__lookback *l, const uint8_t *p, size_t n)
{
    size_t add = n < WINDOW ? n : WINDOW;
    size_t keep = l->len < WINDOW - add ? l->len : WINDOW - add;

    if (shows_no_window(l, p, n)) {
        ws__lookback_fini(l);
        return 0;
    }
    if (add == 0)
        return 0;
    if (keep + add > l->len && !resize(l, keep + add))
        return -ENOMEM;
    memmove(l->p, l->p + l->len - keep, keep);
    memcpy(l->p + keep, p + n - add, add);
    l->len = (uint32_t)(keep + add);
    l->last = (uint32_t)add;
    return 0;
}

int ws__lookback_inflated(struct ws__lookback *l, struct ws__inflate *f,
                          uint64_t n)
{
    size_t len = ws__inflate_window(f, NULL);

    if (len == 0)
        return 0;
    if (!resize(l, len))
        return -ENOMEM;
    l->len = (uint32_t)ws__inflate_window(f, l->p);
    l->last = n < WINDOW ? (uint32_t)n : WINDOW;
    return 0;
}

void ws__lookback_fini(struct ws__lookback *l)
{
    ws_free(l->p);
    *l = (struct ws__lookback){ 0 };
}
