/* SPDX-License-Identifier: MIT */

#include "hub/redis_walk.h"

#include <errno.h>

#include "base/alloc.h"

enum { RANGE_ENTRIES = 64 };

static bool range_is_over(const struct ws__redis_walk *g,
                          const struct ws__redis_look *l)
{
    return g->at.offset + 1 >= g->before || g->at.offset >= l->lineage.last;
}

/* Of epoch 0: all that is kept. */
static void range_from_any(struct ws__redis_walk *g,
                           const struct ws__redis_look *l)
{
    uint64_t first = l->first > 0 ? l->first : l->lineage.last + 1;
    bool lacks = first > g->at.offset + 1;

    g->lacks = lacks;
    g->at = ws__lineage_place(&l->lineage, lacks ? first - 1 : g->at.offset);
}

/* Does the log hold that place, and all behind it? */
static bool range_reaches(struct ws__redis_walk *g,
                          const struct ws__redis_look *l)
{
    if (g->at.epoch == 0) {
        range_from_any(g, l);
        return true;
    }
    return ws__lineage_reaches(&l->lineage, &g->at, l->first);
}

static int range_entries(struct ws__redis_walk *g,
                         const struct ws__redis_look *l)
{
    struct ws__redis_key key;
    int r = 0;

    for (size_t i = 0; i < l->entries && r == 0 && !range_is_over(g, l); i++) {
        ws_publication p = { .topic = g->topic };

        if (!ws__redis_look_entry(l, i, &p, &key) ||
            p.place.offset != g->at.offset + 1)
            return -EPROTO;
        g->at = p.place;
        r = g->fn(&p, g->arg);
    }
    return r;
}

/* One step.  *whole: it goes on; *over: there is no more. */
static int range_step(struct ws__node *n, const struct ws__redis_names *names,
                      struct ws__redis_walk *g, int64_t deadline, bool *whole,
                      bool *over)
{
    struct ws__redis_look l = { .from = g->at.offset, .most = RANGE_ENTRIES };
    int r = ws__redis_log_look(&n->log, names, &l, deadline);

    if (r != 0)
        return r;
    *whole = range_reaches(g, &l);
    if (*whole)
        r = range_entries(g, &l);
    *over = !*whole || range_is_over(g, &l);
    if (r == 0 && !*over && l.entries == 0)
        r = -EPROTO;
    ws__redis_reply_free(l.reply);
    return r;
}

int ws__redis_walk(struct ws__node *n, struct ws__redis_walk *g,
                   int64_t deadline, bool *whole)
{
    struct ws__redis_names *names =
        ws__redis_names_new(n->topics.prefix, ws__str(g->topic));
    bool over = false;
    int r = names ? 0 : -ENOMEM;

    while (r == 0 && !over)
        r = range_step(n, names, g, deadline, whole, &over);
    *whole = *whole && !g->lacks;
    ws_free(names);
    return r;
}
