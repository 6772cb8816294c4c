/* SPDX-License-Identifier: MIT */

#include "hub/replay.h"

static size_t missing(const struct ws__replay *r, const struct ws__topic *t)
{
    return r->asked ? (size_t)(t->place.offset - r->since.offset) : 0;
}

static bool reaches_back(const struct ws__replay *r, const struct ws__topic *t)
{
    return r->since.epoch == t->place.epoch &&
           r->since.offset <= t->place.offset &&
           t->place.offset - r->since.offset <= ws__history_count(t->history);
}

void ws__replay_look(struct ws__replay *r, const struct ws__topic *t)
{
    bool any = r->since.epoch == 0;

    if (!r->asked)
        return;
    if (any)
        r->since.epoch = t->place.epoch;
    if (reaches_back(r, t))
        return;
    r->whole = false;
    r->asked = any && r->since.offset <= t->place.offset;
    r->since.offset = t->place.offset - ws__history_count(t->history);
}

size_t ws__replay_missing(const struct ws__replay *r, const struct ws__topic *t,
                          size_t *bytes)
{
    size_t n = missing(r, t);

    *bytes = 0;
    for (size_t i = 0; i < n; i++)
        *bytes += ws__history_back(t->history, i)->size;
    return n;
}

size_t ws__replay_next(struct ws__replay *r, const struct ws__topic *t,
                       struct ws__publication **next, size_t max)
{
    size_t n = missing(r, t), taken = n < max ? n : max;

    for (size_t i = 0; i < taken; i++) {
        struct ws__publication *p = ws__history_back(t->history, n - 1 - i);
        next[i] = ws__publication_hold(p);
        r->sent += p->prepared != NULL;
    }
    r->since.offset += taken;
    return taken;
}

uint64_t ws__replay_lacks(const struct ws__replay *r, const struct ws__topic *t)
{
    bool same = r->since.epoch == 0 || r->since.epoch == t->place.epoch;
    uint64_t first = t->place.offset - ws__history_count(t->history) + 1;

    if (!same)
        first = t->place.offset + 1;
    return r->since.offset + 1 <= first - same ? first : 0;
}
