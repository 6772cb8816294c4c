/* SPDX-License-Identifier: MIT */

#include "conn/batch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/enqueue.h"
#include "conn/outbox.h"
#include "conn/write_error.h"

enum { ITEMS_MIN = 16 };

/* ---- Making ------------------------------------------------------------- */

int ws__batch_add(struct ws__batch *b, ws_prepared *p, const char *key)
{
    if (b->n == b->size) {
        size_t size = b->size == 0 ? ITEMS_MIN : 2 * b->size;
        struct ws__batch_item *items =
            ws__realloc(b->items, size * sizeof(*items));
        if (!items)
            return -ENOMEM;
        b->items = items;
        b->size = size;
    }
    ws__prepared_ref(p);
    b->items[b->n++] = (struct ws__batch_item){ p, key };
    return 0;
}

void ws__batch_clear(struct ws__batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        ws_prepared_free(b->items[i].message);
    ws_free(b->items);
    *b = (struct ws__batch){ 0 };
}

/* ---- Sending ------------------------------------------------------------ */

int ws__batch_send(struct ws__batch *b, size_t from, ws_conn *c)
{
    int error = ws__write_check(c);

    for (size_t i = from; error == 0 && i < b->n; i++) {
        error = ws__outqueue_put(c, b->items[i].message, b->items[i].key,
                                 &b->counts);
        b->counts.sent += error == 0;
    }
    return error == 0 ? ws__enqueue_settle(c, true, &b->counts) : error;
}
