/* SPDX-License-Identifier: MIT */

#include "conn/outqueue.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/compressor.h"
#include "conn/end.h"
#include "proto/close.h"

enum {
    MAX_MESSAGES = 256,
    RING_MIN = 8,
};

static const ws_queue_options usual = { .max_messages = MAX_MESSAGES,
                                        .max_bytes = WS__QUEUE_BYTES,
                                        .close_code =
                                            WS_CLOSE_TRY_AGAIN_LATER };

/* ---- Having one --------------------------------------------------------- */

void ws__outqueue_lock(struct ws__outqueue *q)
{
    pthread_mutex_lock(&q->lock);
}

void ws__outqueue_unlock(struct ws__outqueue *q)
{
    pthread_mutex_unlock(&q->lock);
}

static struct ws__outqueue *outqueue_new(ws_conn *c)
{
    struct ws__outqueue *q = ws__zalloc(sizeof(*q));

    if (!q)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    q->conn = c;
    q->options = usual;
    return q;
}

static void outqueue_fini(struct ws__outqueue *q)
{
    pthread_mutex_destroy(&q->lock);
    ws_free(q->ring);
    ws_free(q);
}

/* Of two at once the second one takes the first's, and frees its own. */
struct ws__outqueue *ws__outqueue_own(ws_conn *c)
{
    struct ws__outqueue *there = atomic_load(&c->w.outqueue);

    if (there)
        return there;
    struct ws__outqueue *q = outqueue_new(c);
    if (!q)
        return NULL;
    if (atomic_compare_exchange_strong(&c->w.outqueue, &there, q))
        return q;
    outqueue_fini(q);
    return there;
}

bool ws__queue_options_are_right(const ws_queue_options *o)
{
    return (unsigned)o->slow <= WS_SLOW_DROP_NEWEST &&
           (o->close_code == 0 || ws__close_sendable(o->close_code));
}

int ws_set_queue(ws_conn *c, const ws_queue_options *o)
{
    static const ws_queue_options none;

    o = o ? o : &none;
    if (!c || !ws__queue_options_are_right(o))
        return WS_ERR_INVALID;
    struct ws__outqueue *q = ws__outqueue_own(c);
    if (!q)
        return -ENOMEM;
    ws__outqueue_lock(q);
    q->options = usual;
    q->options.slow = o->slow;
    if (o->max_messages != 0)
        q->options.max_messages = o->max_messages;
    if (o->max_bytes != 0)
        q->options.max_bytes = o->max_bytes;
    if (o->close_code != 0)
        q->options.close_code = o->close_code;
    ws__outqueue_unlock(q);
    return 0;
}

int ws_queue_stats_get(ws_conn *c, ws_queue_stats *s)
{
    if (!c || !s)
        return WS_ERR_INVALID;
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    *s = (ws_queue_stats){ 0 };
    if (!q)
        return 0;
    ws__outqueue_lock(q);
    *s = (ws_queue_stats){ .messages = q->count,
                           .bytes = q->bytes,
                           .dropped = q->dropped,
                           .conflated = q->conflated,
                           .cut = q->cut };
    ws__outqueue_unlock(q);
    return 0;
}

/* ---- The ring ----------------------------------------------------------- */

static int ring_grow(struct ws__outqueue *q)
{
    size_t size = q->size == 0 ? RING_MIN : 2 * q->size;
    struct ws__outqueue_entry *ring = ws__alloc(size * sizeof(*ring));

    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < q->count; i++)
        ring[i] = *ws__outqueue_at(q, i);
    ws_free(q->ring);
    q->ring = ring;
    q->size = size;
    q->first = 0;
    return 0;
}

static void ring_empty(ws_conn *c, struct ws__outqueue *q)
{
    ws_free(q->ring);
    q->ring = NULL;
    q->size = q->first = 0;
    atomic_fetch_and(&c->w.due, (unsigned char)~WS__DUE_MESSAGES);
}

static void entry_fini(struct ws__outqueue_entry *e)
{
    ws_prepared_free(e->message);
    ws_free(e->key);
}

/* Those before it move up: there are few. */
void ws__outqueue_remove(ws_conn *c, size_t i)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    struct ws__outqueue_entry e = *ws__outqueue_at(q, i);

    q->bytes -= e.bytes;
    entry_fini(&e);
    for (; i > 0; i--)
        *ws__outqueue_at(q, i) = *ws__outqueue_at(q, i - 1);
    q->first = (q->first + 1) & (q->size - 1);
    q->gone++;
    if (--q->count == 0)
        ring_empty(c, q);
}

static void remove_last(ws_conn *c, struct ws__outqueue *q)
{
    struct ws__outqueue_entry *e = ws__outqueue_at(q, q->count - 1);

    q->bytes -= e->bytes;
    entry_fini(e);
    if (--q->count == 0)
        ring_empty(c, q);
}

/* Those that are being sent are their sender's. */
static size_t outqueue_drop(ws_conn *c, struct ws__outqueue *q)
{
    size_t n = q->count - q->sending;

    while (q->count > q->sending)
        remove_last(c, q);
    return n;
}

void ws__outqueue_resume(ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);

    ws__outqueue_lock(q);
    if (q->count > 0)
        atomic_fetch_or(&c->w.due, WS__DUE_MESSAGES);
    ws__outqueue_unlock(q);
}

void ws__outqueue_forget(ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);

    ws__outqueue_lock(q);
    q->sending = 0;
    outqueue_drop(c, q);
    ws__outqueue_unlock(q);
}

void ws__outqueue_free(ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);

    if (!q)
        return;
    ws__outqueue_forget(c);
    outqueue_fini(q);
}

/* ---- Putting ------------------------------------------------------------ */

static uint32_t hash_of(const char *key)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *key; key++)
        h = (h ^ (uint8_t)*key) * 16777619u;
    return h;
}

static int entry_init(ws_conn *c, struct ws__outqueue_entry *e, ws_prepared *p,
                      const char *key)
{
    bool compressed = ws__compressor_wanted(c);
    bool own = compressed && ws__compressor_keeps(c);

    *e = (struct ws__outqueue_entry){ .message = p };
    if (!own)
        e->form = compressed
                      ? ws__prepared_compressed(p, c, atomic_load(&c->w.level))
                      : p->plain;
    e->key = key ? ws__strdup(key) : NULL;
    if ((!own && !e->form) || (key && !e->key)) {
        ws_free(e->key);
        return -ENOMEM;
    }
    e->hash = key ? hash_of(key) : 0;
    e->bytes = ws__form_size(own ? p->plain : e->form);
    ws__prepared_ref(p);
    return 0;
}

static struct ws__outqueue_entry *find_key(const struct ws__outqueue *q,
                                           const struct ws__outqueue_entry *of)
{
    for (size_t i = q->sending; of->key && i < q->count; i++) {
        struct ws__outqueue_entry *e = ws__outqueue_at(q, i);
        if (e->key && e->hash == of->hash && strcmp(e->key, of->key) == 0)
            return e;
    }
    return NULL;
}

/* With the lock held.  Takes e. */
static int put_entry(struct ws__outqueue *q, struct ws__outqueue_entry *e,
                     struct ws__outqueue_counts *n)
{
    struct ws__outqueue_entry *old = find_key(q, e);

    if (q->cut) {
        entry_fini(e);
        return WS_ERR_SLOW;
    }
    if (old) {
        q->bytes -= old->bytes;
        q->conflated++;
        n->conflated++;
        entry_fini(old);
        *old = *e;
    } else if (q->count == q->size && ring_grow(q) != 0) {
        entry_fini(e);
        return -ENOMEM;
    } else {
        *ws__outqueue_at(q, q->count++) = *e;
    }
    q->bytes += e->bytes;
    return 0;
}

int ws__outqueue_put(ws_conn *c, ws_prepared *p, const char *key,
                     struct ws__outqueue_counts *n)
{
    struct ws__outqueue *q = ws__outqueue_own(c);
    struct ws__outqueue_entry e;
    int error = q ? entry_init(c, &e, p, key) : -ENOMEM;

    if (error != 0)
        return error;
    ws__outqueue_lock(q);
    error = put_entry(q, &e, n);
    if (error == 0)
        atomic_fetch_or(&c->w.due, WS__DUE_MESSAGES);
    ws__outqueue_unlock(q);
    return error;
}

/* ---- Bounds ------------------------------------------------------------- */

/* What is being sent is on its way. */
static bool outqueue_is_over(const struct ws__outqueue *q)
{
    return q->count > q->sending && (q->count > q->options.max_messages ||
                                     q->bytes > q->options.max_bytes);
}

bool ws__outqueue_is_over(struct ws__outqueue *q)
{
    ws__outqueue_lock(q);
    bool over = outqueue_is_over(q);
    ws__outqueue_unlock(q);
    return over;
}

bool ws__outqueue_bound(ws_conn *c, struct ws__outqueue_counts *n)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    uint64_t dropped = 0;

    ws__outqueue_lock(q);
    bool cut = outqueue_is_over(q) && q->options.slow == WS_SLOW_CLOSE;
    for (; !cut && outqueue_is_over(q); dropped++)
        if (q->options.slow == WS_SLOW_DROP_OLDEST)
            ws__outqueue_remove(c, q->sending);
        else
            remove_last(c, q);
    q->dropped += dropped;
    ws__outqueue_unlock(q);
    n->dropped += dropped;
    return !cut;
}

void ws__outqueue_cut(ws_conn *c, struct ws__outqueue_counts *n)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);

    ws__outqueue_lock(q);
    size_t dropped = outqueue_drop(c, q);
    q->dropped += dropped;
    n->cut += !q->cut;
    q->cut = true;
    ws__outqueue_unlock(q);
    n->dropped += dropped;
}

struct amount {
    size_t messages;
    size_t bytes;
    uint64_t gone;
};

static struct amount amount_of(const ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    struct amount a = { 0 };

    if (!q)
        return a;
    ws__outqueue_lock(q);
    a = (struct amount){ q->count, q->bytes, q->gone };
    ws__outqueue_unlock(q);
    return a;
}

size_t ws__outqueue_bytes(const ws_conn *c)
{
    return amount_of(c).bytes;
}

uint64_t ws__outqueue_mark(const ws_conn *c)
{
    struct amount a = amount_of(c);

    return a.gone + a.messages;
}

bool ws__outqueue_is_past(const ws_conn *c, uint64_t mark)
{
    struct amount a = amount_of(c);

    return a.messages == 0 || a.gone >= mark;
}

/* ---- The end ------------------------------------------------------------ */

bool ws__outqueue_add_hook(ws_conn *c, struct ws__end_hook *h)
{
    struct ws__outqueue *q = ws__outqueue_own(c);

    if (!q)
        return false;
    ws__outqueue_lock(q);
    bool ended = q->ended || ws__conn_ended(c);
    if (!ended) {
        h->next = q->hooks;
        q->hooks = h;
    }
    ws__outqueue_unlock(q);
    return !ended;
}

bool ws__outqueue_remove_hook(ws_conn *c, struct ws__end_hook *h)
{
    struct ws__outqueue *q = ws__outqueue_own(c);
    struct ws__end_hook **at;

    ws__outqueue_lock(q);
    for (at = &q->hooks; *at && *at != h;)
        at = &(*at)->next;
    bool there = *at;
    if (there)
        *at = h->next;
    ws__outqueue_unlock(q);
    return there;
}

void ws__outqueue_end(ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    struct ws__end_hook *h, *next;

    if (!q)
        return;
    ws__outqueue_lock(q);
    h = q->hooks;
    q->hooks = NULL;
    q->ended = true;
    ws__outqueue_unlock(q);
    for (; h; h = next) {
        next = h->next;
        h->ended(h);
    }
}
