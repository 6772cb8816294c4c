/* SPDX-License-Identifier: MIT */

#include "redis/slot.h"

#include <string.h>

/* CRC-16/XMODEM, as the Redis Cluster specification has it: 1 + x^5 + x^12 +
 * x^16, the first bit first. */
static unsigned slot_crc(struct ws__str s)
{
    unsigned crc = 0;

    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned)(unsigned char)s.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021U : 0)) & 0xffff;
    }
    return crc;
}

int ws__redis_slot(struct ws__str key)
{
    const char *open = memchr(key.p, '{', key.n);

    if (open) {
        size_t left = key.n - (size_t)(open + 1 - key.p);
        const char *close = memchr(open + 1, '}', left);

        if (close && close > open + 1)
            key = (struct ws__str){ open + 1, (size_t)(close - open - 1) };
    }
    return (int)(slot_crc(key) % WS__REDIS_SLOTS);
}

static bool slot_number(struct ws__str s, int *slot)
{
    unsigned long long n;

    if (!ws__str_number(s, WS__REDIS_SLOTS - 1, &n))
        return false;
    *slot = (int)n;
    return true;
}

bool ws__redis_redirect(const struct ws__redis_reply *error, const char *word,
                        const struct ws__redis_host *from, int *slot,
                        struct ws__redis_host *to)
{
    struct ws__str s = ws__redis_reply_str(error);

    if (!ws__redis_reply_is_error(error, word))
        return false;
    ws__str_take_until(&s, ' ');
    if (!slot_number(ws__str_take_until(&s, ' '), slot))
        return false;
    struct ws__str where = ws__str_take_until(&s, ' ');
    const char *colon = memrchr(where.p, ':', where.n);
    if (!colon)
        return false;
    struct ws__str name = { where.p, (size_t)(colon - where.p) };
    struct ws__str port = { colon + 1, where.n - name.n - 1 };
    return ws__redis_host_set(to, name.n ? name : ws__str(from->name), port);
}

bool ws__redis_range(const struct ws__redis_reply *slots, size_t i,
                     const struct ws__redis_host *from,
                     struct ws__redis_range *range)
{
    const struct ws__redis_reply *r = ws__redis_reply_at(slots, i);
    const struct ws__redis_reply *master = ws__redis_reply_at(r, 2);
    long long first = ws__redis_reply_number(ws__redis_reply_at(r, 0));
    long long last = ws__redis_reply_number(ws__redis_reply_at(r, 1));
    long long port = ws__redis_reply_number(ws__redis_reply_at(master, 1));
    struct ws__str name = ws__redis_reply_str(ws__redis_reply_at(master, 0));
    char digits[24];

    if (first < 0 || last < first || last >= WS__REDIS_SLOTS || port < 0)
        return false;
    *ws__decimal(digits, (unsigned long long)port) = '\0';
    range->first = (int)first;
    range->last = (int)last;
    return ws__redis_host_set(
        &range->master, name.n ? name : ws__str(from->name), ws__str(digits));
}
