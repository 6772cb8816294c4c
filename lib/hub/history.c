/* SPDX-License-Identifier: MIT */

#include "hub/history.h"

#include <errno.h>
#include <stdint.h>

#include "base/alloc.h"

enum { ROOM_MIN = 4 };

struct ws__history {
    size_t first; /* where the oldest lies */
    size_t n;
    size_t room;
    size_t bytes; /* of all payloads */
    struct ws__publication *ring[];
};

static struct ws__publication **slot_of(struct ws__history *h, size_t i)
{
    size_t at = h->first + i;

    return &h->ring[at < h->room ? at : at - h->room];
}

static struct ws__history *history_with_room(struct ws__history *old,
                                             size_t room)
{
    struct ws__history *h =
        ws__alloc(sizeof(*h) + room * sizeof(struct ws__publication *));

    if (!h)
        return NULL;
    *h = (struct ws__history){ .room = room };
    for (; old && h->n < old->n; h->n++)
        h->ring[h->n] = *slot_of(old, h->n);
    if (old)
        h->bytes = old->bytes;
    return h;
}

int ws__history_reserve(struct ws__history **h,
                        const struct ws__history_limits *l)
{
    struct ws__history *old = *h;
    size_t room = old ? old->room : 0;

    if (l->count == 0 || (old && (old->n < room || old->n >= l->count)))
        return 0;
    room = room == 0 ? ROOM_MIN : 2 * room;
    struct ws__history *grown =
        history_with_room(old, room < l->count ? room : l->count);
    if (!grown)
        return -ENOMEM;
    ws_free(old);
    *h = grown;
    return 0;
}

static void drop_oldest(struct ws__history *h)
{
    struct ws__publication *p = *slot_of(h, 0);

    h->bytes -= p->size;
    h->n--;
    h->first = h->first + 1 == h->room ? 0 : h->first + 1;
    ws__publication_let_go(p);
}

void ws__history_add(struct ws__history *h, const struct ws__history_limits *l,
                     struct ws__publication *p)
{
    if (l->count == 0)
        return;
    if (h->n == l->count)
        drop_oldest(h);
    *slot_of(h, h->n) = ws__publication_hold(p);
    h->n++;
    h->bytes += p->size;
    while (h->bytes > l->bytes)
        drop_oldest(h);
    ws__history_expire(h, l, p->at);
}

void ws__history_expire(struct ws__history *h,
                        const struct ws__history_limits *l, int64_t now)
{
    while (h && h->n > 0 && (*slot_of(h, 0))->at <= now - l->ms)
        drop_oldest(h);
}

void ws__history_free(struct ws__history **h)
{
    while (*h && (*h)->n > 0)
        drop_oldest(*h);
    ws_free(*h);
    *h = NULL;
}

size_t ws__history_count(const struct ws__history *h)
{
    return h ? h->n : 0;
}

struct ws__publication *ws__history_back(const struct ws__history *h,
                                         size_t behind)
{
    return *slot_of((struct ws__history *)h, h->n - 1 - behind);
}
