/* SPDX-License-Identifier: MIT */

#include "redis/channels.h"

#include <search.h>
#include <string.h>

#include "base/alloc.h"

static int channels_compare(const void *a, const void *b)
{
    const struct ws__str *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return memcmp(x->p, y->p, x->n);
}

struct ws__redis_channel *ws__redis_channels_find(
    const struct ws__redis_channels *all, struct ws__str name)
{
    struct ws__redis_channel **found =
        tfind(&name, &all->tree, channels_compare);

    return found ? *found : NULL;
}

/* With its name behind it. */
static struct ws__redis_channel *channel_new(struct ws__str name)
{
    struct ws__redis_channel *c = ws__zalloc(sizeof(*c) + name.n + 1);

    if (!c)
        return NULL;
    memcpy(c + 1, name.p, name.n);
    c->name = (struct ws__str){ (const char *)(c + 1), name.n };
    return c;
}

struct ws__redis_channel *ws__redis_channels_get(struct ws__redis_channels *all,
                                                 struct ws__str name)
{
    struct ws__redis_channel *c = ws__redis_channels_find(all, name);

    if (c)
        return c;
    c = channel_new(name);
    if (!c || !tsearch(c, &all->tree, channels_compare)) {
        ws_free(c);
        return NULL;
    }
    c->older = all->newest;
    if (c->older)
        c->older->newer = c;
    all->newest = c;
    all->n++;
    return c;
}

void ws__redis_channels_remove(struct ws__redis_channels *all,
                               struct ws__redis_channel *c)
{
    tdelete(c, &all->tree, channels_compare);
    *(c->newer ? &c->newer->older : &all->newest) = c->older;
    if (c->older)
        c->older->newer = c->newer;
    all->n--;
    ws_free(c);
}

void ws__redis_channels_fini(struct ws__redis_channels *all)
{
    while (all->newest)
        ws__redis_channels_remove(all, all->newest);
}

void ws__redis_queue_put(struct ws__redis_queue *q, struct ws__redis_channel *c)
{
    c->next = NULL;
    c->queued = true;
    *(q->first ? q->end : &q->first) = c;
    q->end = &c->next;
}

struct ws__redis_channel *ws__redis_queue_take(struct ws__redis_queue *q)
{
    struct ws__redis_channel *c = q->first;

    if (c) {
        q->first = c->next;
        c->queued = false;
    }
    return c;
}
