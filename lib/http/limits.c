/* SPDX-License-Identifier: MIT */

#include "http/limits.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/endian.h"
#include "base/log.h"
#include "fiber/seldom.h"
#include "fiber/sync.h"
#include "io/random.h"

enum {
    CHAINS_MIN = 1 << 10,
    CHAINS_MAX = 1 << 20,
    SECOND_US = 1000 * 1000,
    LEAVES_RETRY_S = 10, /* nobody knows when one of theirs ends */
};

struct address {
    struct ws__share share; /* first: leave casts it back */
    struct ws__limits *limits;
    struct address *next; /* in its chain */
    uint64_t key;
    bool v6;
    size_t connections;

    /* When all that it may open at once may be opened again, in microseconds:
     * each connection puts it off by what one costs. */
    int64_t rested_at;

    /* Among those without connections, by when the last one left. */
    struct address *older;
    struct address *newer;
};

struct ws__limits {
    struct ws__lock lock;
    size_t holders; /* the listener, and connections */

    size_t connections_max; /* of an address; 0: none, as in the others */
    int64_t cost_us;        /* of a new connection */
    int64_t burst_us;       /* that one may be ahead of its time by */
    size_t unfinished_max;

    struct address *oldest; /* idle ones */
    struct address *newest;
    size_t idle;
    _Atomic int64_t said;

    uint64_t seeds[3]; /* so that nobody can choose addresses of one chain */
    unsigned bits;
    struct address *chains[]; /* 1 << bits */
};

/* ---- Addresses ---------------------------------------------------------- */

/* Multiply-shift of two halves: universal, by Dietzfelbinger. */
static struct address **chain_of(struct ws__limits *l, uint64_t key)
{
    uint64_t mixed =
        (l->seeds[0] + (key >> 32)) * (l->seeds[1] + (key & UINT32_MAX)) +
        l->seeds[2];

    return &l->chains[mixed >> (64 - l->bits)];
}

static struct address *address_find(struct ws__limits *l, uint64_t key, bool v6)
{
    struct address *a = *chain_of(l, key);

    while (a && (a->key != key || a->v6 != v6))
        a = a->next;
    return a;
}

static void limits_leave(struct ws__share *share);

static struct address *address_new(struct ws__limits *l, uint64_t key, bool v6)
{
    struct address *a = ws__zalloc(sizeof(*a));
    struct address **chain = chain_of(l, key);

    if (!a)
        return NULL;
    a->share.unfinished_max = l->unfinished_max;
    a->share.leave = limits_leave;
    a->limits = l;
    a->key = key;
    a->v6 = v6;
    a->next = *chain;
    *chain = a;
    return a;
}

static void address_free(struct address *a)
{
    struct address **link = chain_of(a->limits, a->key);

    while (*link != a)
        link = &(*link)->next;
    *link = a->next;
    ws_free(a);
}

/* ---- Those without connections ------------------------------------------ */

static void idle_remove(struct ws__limits *l, struct address *a)
{
    *(a->older ? &a->older->newer : &l->oldest) = a->newer;
    *(a->newer ? &a->newer->older : &l->newest) = a->older;
    a->older = a->newer = NULL;
    l->idle--;
}

static void idle_forget_oldest(struct ws__limits *l)
{
    struct address *a = l->oldest;

    idle_remove(l, a);
    address_free(a);
}

static void idle_add(struct ws__limits *l, struct address *a)
{
    a->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = a;
    l->newest = a;
    l->idle++;
    if (l->idle > WS__LIMITS_IDLE)
        idle_forget_oldest(l);
}

/* Two for each that comes: so there are soon no more than have to be. */
static void idle_forget_rested(struct ws__limits *l, int64_t now_us)
{
    for (int i = 0; i < 2 && l->oldest && l->oldest->rested_at <= now_us; i++)
        idle_forget_oldest(l);
}

/* ---- Connections -------------------------------------------------------- */

static bool limits_refuse(const struct ws__limits *l, const struct address *a,
                          int64_t now_us, struct ws__limits_refusal *r)
{
    int64_t ahead = a->rested_at - now_us;

    if (l->connections_max > 0 && a->connections >= l->connections_max) {
        r->why = "its address has too many connections";
        r->retry_after_s = LEAVES_RETRY_S;
    } else if (l->cost_us > 0 && ahead > l->burst_us) {
        int64_t wait = ahead - l->burst_us;

        r->why = "its address opens connections too fast";
        r->retry_after_s = (int)((wait + SECOND_US - 1) / SECOND_US);
    }
    return r->why != NULL;
}

static void limits_admit(struct ws__limits *l, struct address *a,
                         int64_t now_us)
{
    if (a->rested_at < now_us)
        a->rested_at = now_us;
    a->rested_at += l->cost_us;
    a->connections++;
    l->holders++;
}

/* Under the lock. */
static struct address *limits_take(struct ws__limits *l,
                                   const struct ws__ip *ip, int64_t now_us,
                                   struct ws__limits_refusal *r)
{
    bool v6 = ip->n == 16;
    uint64_t key = load_be(ip->bytes, v6 ? 8 : 4);

    idle_forget_rested(l, now_us);
    struct address *a = address_find(l, key, v6);
    if (a && limits_refuse(l, a, now_us, r))
        return NULL;
    if (!a)
        a = address_new(l, key, v6);
    else if (a->connections == 0)
        idle_remove(l, a);
    if (a)
        limits_admit(l, a, now_us);
    else
        *r = (struct ws__limits_refusal){ "out of memory", LEAVES_RETRY_S };
    return a;
}

static void log_refused(struct ws__limits *l, const struct ws__ip *ip,
                        const char *why)
{
    char remote[WS__ENDPOINT_LEN];

    if (!ws__seldom(&l->said))
        return;
    ws__endpoint_text(remote, ip, WS__NO_PORT);
    const struct ws__log_field fields[] = { { "remote", remote },
                                            { "reason", why },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "address_limited",
                                         .fields = fields };
    ws__log(&topic, "refused %s: %s", remote, why);
}

struct ws__share *ws__limits_enter(struct ws__limits *l,
                                   const struct ws__ip *ip, int64_t now,
                                   struct ws__limits_refusal *r)
{
    *r = (struct ws__limits_refusal){ NULL, 0 };
    if (!l || ws__ip_is_loopback(ip))
        return NULL;
    ws__lock_until(&l->lock, 0);
    struct address *a = limits_take(l, ip, now * 1000, r);
    ws__unlock(&l->lock);
    if (a)
        return &a->share;
    log_refused(l, ip, r->why);
    return NULL;
}

static void limits_leave(struct ws__share *share)
{
    struct address *a = (struct address *)share;
    struct ws__limits *l = a->limits;

    ws__lock_until(&l->lock, 0);
    if (--a->connections == 0) {
        if (a->rested_at <= ws_now() * 1000)
            address_free(a);
        else
            idle_add(l, a);
    }
    ws__unlock(&l->lock);
    ws__limits_unref(l);
}

/* ---- Making ------------------------------------------------------------- */

static unsigned chain_bits(size_t addresses)
{
    unsigned bits = 0;

    if (addresses > CHAINS_MAX)
        addresses = CHAINS_MAX;
    if (addresses < CHAINS_MIN)
        addresses = CHAINS_MIN;
    while ((size_t)1 << bits < addresses)
        bits++;
    return bits;
}

static void set_rate(struct ws__limits *l, int rate, int burst)
{
    if (rate <= 0)
        return;
    l->cost_us = rate > SECOND_US ? 1 : SECOND_US / rate;
    l->burst_us = l->cost_us * ((burst > 0 ? burst : rate) - 1);
}

int ws__limits_new(struct ws__limits **out, const ws_server *s)
{
    unsigned bits = chain_bits(s->max_connections);

    *out = NULL;
    if (s->max_connections_per_address == 0 &&
        s->connect_rate_per_address <= 0 && s->max_unfinished_per_address == 0)
        return 0;
    struct ws__limits *l =
        ws__zalloc(sizeof(*l) + ((size_t)1 << bits) * sizeof(*l->chains));
    if (!l)
        return -ENOMEM;
    l->holders = 1;
    l->bits = bits;
    l->connections_max = s->max_connections_per_address;
    l->unfinished_max = s->max_unfinished_per_address;
    set_rate(l, s->connect_rate_per_address, s->connect_burst_per_address);
    int error = ws__random(l->seeds, sizeof(l->seeds));
    if (error == 0)
        *out = l;
    else
        ws_free(l);
    return error;
}

void ws__limits_unref(struct ws__limits *l)
{
    if (!l)
        return;
    ws__lock_until(&l->lock, 0);
    bool last = --l->holders == 0;
    while (last && l->oldest)
        idle_forget_oldest(l);
    ws__unlock(&l->lock);
    if (last)
        ws_free(l);
}
