/* SPDX-License-Identifier: MIT */

#include "load_masked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include "load_wire.h"

enum { HEAD = 10, KEYS = 64 };

static const struct frames *frames;
static uint8_t *room; /* for all that is queued at once */

void masked_setup(const struct frames *f, const struct load_options *o)
{
    if (!o->client)
        return;
    if (o->deflate)
        load_fail("--client does not compress");
    frames = f;
    room = load_alloc(o->depth * (HEAD + FRAMES_KEY + f->size));
}

void masked_teardown(void)
{
    free(room);
}

static uint32_t next_key(void)
{
    static uint32_t keys[KEYS];
    static size_t left;

    if (left == 0) {
        if (getrandom(keys, sizeof(keys), 0) != (ssize_t)sizeof(keys))
            load_fail("getrandom: %s", strerror(errno));
        left = KEYS;
    }
    return keys[--left];
}

static void mask(uint8_t *restrict to, const uint8_t *restrict p, size_t n,
                 const uint8_t key[static FRAMES_KEY])
{
    uint32_t half;
    size_t i = 0;

    memcpy(&half, key, FRAMES_KEY);
    uint64_t twice = (uint64_t)half << 32 | half;
    for (; n - i >= sizeof(twice); i += sizeof(twice)) {
        uint64_t word;
        memcpy(&word, p + i, sizeof(word));
        word ^= twice;
        memcpy(to + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        to[i] = p[i] ^ key[i % FRAMES_KEY];
}

/* Write the slot's frame with a key of its own.  Returns its length. */
static size_t put_masked(uint8_t *to, size_t slot)
{
    size_t head = frames_head(frames, slot);
    uint32_t key = next_key();

    memcpy(to, frames->wire + frames->begin[slot], head);
    memcpy(to + head, &key, FRAMES_KEY);
    mask(to + head + FRAMES_KEY, frames_plain(frames, slot), frames->size,
         to + head);
    return head + FRAMES_KEY + frames->size;
}

static void keep(struct conn *c, const uint8_t *p, size_t n)
{
    if (n == 0)
        return;

    uint8_t *rest = realloc(c->rest, c->rest_len + n);

    if (!rest)
        load_fail("no memory for %zu bytes", c->rest_len + n);
    memcpy(rest + c->rest_len, p, n);
    c->rest = rest;
    c->rest_len += n;
}

static size_t put_some(struct conn *c, const uint8_t *p, size_t n)
{
    size_t done = 0;

    c->blocked = false;
    while (done < n && !c->blocked) {
        ssize_t put = wire_put(c, p + done, n - done);
        if (put == WIRE_LATER)
            c->blocked = true;
        else
            done += (size_t)put;
    }
    return done;
}

void masked_queue(struct conn *c, size_t messages)
{
    size_t n = 0;

    for (; messages > 0; messages--) {
        n += put_masked(room + n, c->tx_slot);
        c->tx_slot = c->tx_slot + 1 < frames->slots ? c->tx_slot + 1 : 0;
    }
    size_t done = c->blocked ? 0 : put_some(c, room, n);
    keep(c, room + done, n - done);
}

void masked_flush(struct conn *c)
{
    size_t done = put_some(c, c->rest, c->rest_len);

    c->rest_len -= done;
    if (done > 0)
        memmove(c->rest, c->rest + done, c->rest_len);
}
