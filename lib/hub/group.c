/* SPDX-License-Identifier: MIT */

#include "hub/group.h"

#include <errno.h>

#include "base/alloc.h"
#include "conn/enqueue.h"
#include "fiber/budget.h"
#include "hub/subscriber.h"

enum { MEMBERS_MIN = 2 };

/* ---- Audiences ---------------------------------------------------------- */

struct ws__group *ws__audience_group(const struct ws__audience *a,
                                     const struct ws__desk *d)
{
    struct ws__group *g = a->groups;

    while (g && g->desk != d)
        g = g->next;
    return g;
}

void ws__audience_add(struct ws__audience *a, struct ws__group *g)
{
    g->next = a->groups;
    a->groups = g;
}

void ws__audience_remove(struct ws__audience *a, struct ws__group *g)
{
    struct ws__group **at = &a->groups;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
}

/* ---- Members ------------------------------------------------------------ */

int ws__group_reserve(struct ws__group *g)
{
    if (g->n < g->room)
        return 0;
    uint32_t room = g->room == 0 ? MEMBERS_MIN : g->room + g->room / 2;
    void *members = ws__realloc(g->members, room * sizeof(*g->members));
    if (!members)
        return -ENOMEM;
    g->members = members;
    g->room = room;
    return 0;
}

void ws__group_add(struct ws__group *g, struct ws__subscription *s)
{
    s->group = g;
    s->link.spare = g->n;
    g->members[g->n++] = s;
    g->from = s->from;
}

static void member_move(struct ws__group *g, uint32_t from, uint32_t to)
{
    if (from == to)
        return;
    g->members[to] = g->members[from];
    g->members[to]->link.spare = to;
}

/* The last one takes its place; of those who have a run, the last one of them. */
void ws__group_remove(struct ws__subscription *s)
{
    struct ws__group *g = s->group;
    uint32_t hole = s->link.spare;

    if (hole < g->sent) {
        member_move(g, --g->sent, hole);
        hole = g->sent;
    }
    member_move(g, --g->n, hole);
}

void ws__group_free(struct ws__group *g)
{
    ws_free(g->members);
    ws_free(g);
}

/* ---- Sending ------------------------------------------------------------ */

/* The first publication of the run that is for s. */
static size_t begins_at(const struct ws__subscription *s,
                        const struct ws__run *run)
{
    size_t i = 0;

    while (i < run->n && run->numbers[i] < s->from)
        i++;
    return i;
}

static int batch_fill(struct ws__batch *b, const struct ws__run *run,
                      bool latest)
{
    int r = 0;

    for (size_t i = 0; i < run->n && r == 0; i++) {
        const struct ws__publication *p = run->publications[i];
        r = ws__batch_add(b, p->prepared,
                          latest && p->key[0] != '\0' ? p->key : NULL);
    }
    return r;
}

static int member_send(const struct ws__subscription *s, struct ws__run *run,
                       size_t at)
{
    struct ws__batch *b = s->latest ? &run->latest : &run->all;
    int r = b->n == 0 ? batch_fill(b, run, s->latest) : 0;

    /* That a connection has ended its desk hears by its hook. */
    if (r == 0)
        (void)ws__batch_send(b, at, s->subscriber->c);
    return r;
}

/* Returns 0; or -ENOMEM: it has none of the run. */
static int member_serve(const struct ws__subscription *s, struct ws__run *run,
                        bool may_be_new, struct ws__outqueue_counts *n)
{
    size_t at = may_be_new ? begins_at(s, run) : 0;

    if (at == run->n)
        return 0;
    if (!run->cuts)
        return member_send(s, run, at);
    ws__enqueue_cut(s->subscriber->c, "publications were lost", n);
    return 0;
}

/* Returns 0 when all have it, -EAGAIN, or -ENOMEM. */
static int send_for_a_turn(struct ws__group *g, struct ws__run *run,
                           struct ws__outqueue_counts *n)
{
    bool some_are_new = run->numbers[0] < g->from;

    while (g->sent < g->n) {
        const struct ws__subscription *s = g->members[g->sent++];
        if (g->sent < g->n)
            ws__batch_fetch(g->members[g->sent]->subscriber->c);
        if (member_serve(s, run, some_are_new, n) != 0)
            return -ENOMEM;
        ws__spend(1);
        if (ws__is_spent())
            return -EAGAIN;
    }
    return 0;
}

static void batch_count(struct ws__batch *b, struct ws__outqueue_counts *n)
{
    ws__outqueue_counts_add(n, &b->counts);
    b->counts = (struct ws__outqueue_counts){ 0 };
}

bool ws__group_send(struct ws__group *g, struct ws__run *run,
                    struct ws__outqueue_counts *n)
{
    int r;

    while ((r = send_for_a_turn(g, run, n)) == -ENOMEM) {
        g->sent = 0;
        run->cuts = true;
    }
    if (r == 0)
        g->sent = 0;
    batch_count(&run->all, n);
    batch_count(&run->latest, n);
    return r == 0;
}

void ws__run_end(struct ws__run *run)
{
    ws__batch_clear(&run->all);
    ws__batch_clear(&run->latest);
    for (size_t i = 0; i < run->n; i++)
        ws__publication_let_go(run->publications[i]);
    run->n = 0;
    run->cuts = false;
}
