/* SPDX-License-Identifier: MIT */

#include "hub/lineage.h"

/* What numbers may be: those that a double holds. */
static const unsigned long long lineage_most = 1ULL << 53;

/* The number up to the next mark, or the end; moves text behind it. */
static bool lineage_number(struct ws__str *text, char mark, uint64_t *value)
{
    unsigned long long n;

    if (!ws__str_number(ws__str_take_until(text, mark), lineage_most, &n))
        return false;
    *value = n;
    return true;
}

bool ws__lineage_parse(struct ws__lineage *l, struct ws__str text,
                       uint64_t last)
{
    uint64_t before = 0;

    *l = (struct ws__lineage){ .last = last };
    while (text.n > 0) {
        ws_place *p = &l->start[l->n];

        if (l->n == WS__LINEAGE_MAX || !lineage_number(&text, ':', &p->epoch) ||
            !lineage_number(&text, ' ', &p->offset) || p->epoch == 0 ||
            p->offset < before || p->offset > last)
            return false;
        before = p->offset;
        l->n++;
    }
    return l->n > 0;
}

static uint64_t lineage_end_of(const struct ws__lineage *l, int i)
{
    return i + 1 < l->n ? l->start[i + 1].offset : l->last;
}

static bool lineage_holds(const struct ws__lineage *l, const ws_place *p)
{
    for (int i = 0; i < l->n; i++)
        if (l->start[i].epoch == p->epoch)
            return p->offset >= l->start[i].offset &&
                   p->offset <= lineage_end_of(l, i);
    return false;
}

bool ws__lineage_reaches(const struct ws__lineage *l, const ws_place *p,
                         uint64_t first)
{
    bool kept = p->offset >= l->last || (first > 0 && first <= p->offset + 1);

    return kept && lineage_holds(l, p);
}

ws_place ws__lineage_place(const struct ws__lineage *l, uint64_t offset)
{
    int i = l->n - 1;

    while (i > 0 && l->start[i].offset >= offset)
        i--;
    return (ws_place){ l->start[i].epoch, offset };
}

ws_place ws__lineage_end(const struct ws__lineage *l)
{
    return (ws_place){ l->start[l->n - 1].epoch, l->last };
}
