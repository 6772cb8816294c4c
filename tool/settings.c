/* SPDX-License-Identifier: MIT */

#include "settings.h"

#include <stdlib.h>

#include "memory.h"

void list_add(struct list *l, const char *item)
{
    l->items = memory_resize(l->items, (l->n + 2) * sizeof(*l->items));
    l->items[l->n++] = item;
    l->items[l->n] = NULL;
}

void settings_give(struct settings *s, bool file, const char *value)
{
    s->given = memory_resize(s->given, (s->ngiven + 1) * sizeof(*s->given));
    s->given[s->ngiven++] = (struct given){ file, value };
}

int64_t settings_count(const struct settings *s)
{
    return s->count ? s->count : s->one;
}

void settings_free(struct settings *s)
{
    free(s->headers.items);
    free(s->subprotocols.items);
    free(s->cookies.items);
    free(s->origins.items);
    free(s->resolve.items);
    free(s->given);
}
