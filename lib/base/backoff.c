/* SPDX-License-Identifier: MIT */

#include "base/backoff.h"

#include <limits.h>

void ws__backoff_connected(struct ws__backoff *b, int64_t now)
{
    b->since = now;
}

void ws__backoff_failed(struct ws__backoff *b, int64_t now)
{
    if (b->since != 0 && now - b->since >= b->stable)
        b->failures = 0;
    b->since = 0;
    if (b->failures < UINT_MAX)
        b->failures++;
}

int64_t ws__backoff_delay(const struct ws__backoff *b, uint64_t bits)
{
    int64_t most = b->failures > 0 ? b->base : 0;

    for (unsigned n = 1; n < b->failures && most > 0 && most < b->max; n++)
        most *= 2;
    if (most > b->max)
        most = b->max;
    return (int64_t)(bits % ((uint64_t)most + 1));
}
