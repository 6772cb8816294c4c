/* SPDX-License-Identifier: MIT */

#include "load_cast.h"

#include <inttypes.h>
#include <stdlib.h>

#include "figures.h"

struct publication {
    uint64_t sent;
    size_t missing; /* connections that wait for it */
};

static const struct load_options *options;
static struct publication *under_way; /* a ring of depth */
static uint64_t published;

void cast_setup(const struct load_options *o)
{
    options = o;
    under_way = load_alloc(o->depth * sizeof(*under_way));
}

void cast_teardown(void)
{
    free(under_way);
}

void cast_sent(size_t n)
{
    uint64_t now = figures_now();

    for (size_t i = 0; i < n; i++)
        under_way[published++ % options->depth] =
            (struct publication){ now, options->connections };
}

uint64_t cast_heard(uint64_t before)
{
    struct publication *p = &under_way[before % options->depth];

    if (before >= published)
        load_fail("expected %" PRIu64 " publications, got one more", published);
    return --p->missing == 0 ? p->sent : 0;
}
