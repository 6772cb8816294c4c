/* SPDX-License-Identifier: MIT */

/* What a server of Redis says: replies (RESP 2) in any pieces, which are read
 * again when they are written anew; redirections and ranges of a cluster; what
 * a hub keeps there. */

#include "fuzz/fuzz.h"

#include "hub/lineage.h"
#include "hub/redis_message.h"
#include "hub/redis_names.h"
#include "redis/codec.h"
#include "redis/slot.h"

enum { TEXT_MAX_BYTES = 1 << 16 };

/* Replies as they are sent. */
struct text {
    size_t n;
    size_t replies;
    int error;
    char bytes[TEXT_MAX_BYTES];
};

static void put(struct text *t, const char *p, size_t n)
{
    CHECK(t->n + n < sizeof(t->bytes));
    if (n > 0)
        memcpy(t->bytes + t->n, p, n);
    t->n += n;
}

static void put_number(struct text *t, char kind, long long number)
{
    char line[32];

    put(t, line, (size_t)sprintf(line, "%c%lld\r\n", kind, number));
}

static void put_string(struct text *t, const struct ws__redis_reply *r)
{
    CHECK(r->str && r->str[r->len] == '\0');
    put(t, r->str, r->len);
    put(t, "\r\n", 2);
}

static void put_reply(struct text *t, const struct ws__redis_reply *r)
{
    switch (r->type) {
    case WS__REDIS_STRING:
        put_number(t, '$', (long long)r->len);
        put_string(t, r);
        break;
    case WS__REDIS_STATUS:
    case WS__REDIS_ERROR:
        put(t, r->type == WS__REDIS_STATUS ? "+" : "-", 1);
        put_string(t, r);
        break;
    case WS__REDIS_INTEGER:
        put_number(t, ':', r->integer);
        break;
    case WS__REDIS_NIL:
        put_number(t, '$', -1);
        break;
    case WS__REDIS_ARRAY:
        put_number(t, '*', (long long)r->elements);
        for (size_t i = 0; i < r->elements; i++)
            put_reply(t, r->element[i]);
    }
}

/* ---- What is made of them ----------------------------------------------- */

static void check_host(const struct ws__redis_host *h)
{
    unsigned long long port;

    CHECK(is_line(h->name));
    CHECK(ws__str_number(ws__str(h->port), 65535, &port) && port > 0);
}

static void check_cluster(const struct ws__redis_reply *r)
{
    static const struct ws__redis_host from = { "from.example", "6379" };
    struct ws__redis_range range;
    struct ws__redis_host to;
    int slot = -1;

    if (ws__redis_redirect(r, "MOVED", &from, &slot, &to) ||
        ws__redis_redirect(r, "ASK", &from, &slot, &to)) {
        CHECK(slot >= 0 && slot < WS__REDIS_SLOTS);
        check_host(&to);
    }
    for (size_t i = 0; i < r->elements; i++)
        if (ws__redis_range(r, i, &from, &range)) {
            CHECK(range.first >= 0 && range.first <= range.last);
            CHECK(range.last < WS__REDIS_SLOTS);
            check_host(&range.master);
        }
}

static void take_replies(struct ws__redis_reader *reader, struct text *t)
{
    struct ws__redis_reply *reply = NULL;
    ws_error err = { 0 };

    while ((t->error = ws__redis_reader_next(reader, &reply, &err)) == 0 &&
           reply) {
        check_cluster(reply);
        put_reply(t, reply);
        t->replies++;
        ws__redis_reply_free(reply);
    }
    CHECK(!reply && (t->error == 0 || t->error == WS_ERR_REDIS));
    check_error(t->error, &err);
}

static void read_replies(struct text *t, struct input in, struct steps steps)
{
    struct ws__redis_reader *reader = ws__redis_reader_new();

    CHECK(reader);
    t->n = t->replies = 0;
    t->error = 0;
    while (in.n > 0 && t->error == 0) {
        struct input now = take_bytes(&in, step(&steps, in.n));

        CHECK(ws__redis_reader_feed(reader, now.p, now.n) == 0);
        take_replies(reader, t);
    }
    ws__redis_reader_free(reader);
}

static void check_replies(struct input in, struct steps steps)
{
    static struct text whole, split, again;

    read_replies(&whole, in, (struct steps){ 0 });
    read_replies(&split, in, steps);
    CHECK(whole.error == split.error && whole.n == split.n);
    CHECK(memcmp(whole.bytes, split.bytes, whole.n) == 0);

    struct input written = { (const uint8_t *)whole.bytes, whole.n };
    read_replies(&again, written, (struct steps){ 0 });
    CHECK(again.error == 0 && again.replies == whole.replies);
    CHECK(again.n == whole.n && memcmp(again.bytes, whole.bytes, again.n) == 0);
}

/* ---- What a hub keeps --------------------------------------------------- */

static void check_message(struct ws__str s)
{
    struct ws__redis_key key, again_key;
    ws_publication p = { 0 }, again = { 0 };
    ws_place place;
    struct ws__str payload;

    if (ws__redis_message_read(&place, &payload, s))
        CHECK(place.epoch > 0 && is_within(payload, s));
    if (!ws__redis_payload_read(&p, s, &key))
        return;
    CHECK(is_within((struct ws__str){ p.data, p.len }, s));
    CHECK(!p.key || strlen(p.key) < sizeof(key.text));
    payload = ws__redis_payload(&p);
    CHECK(payload.p && ws__redis_payload_read(&again, payload, &again_key));
    CHECK(again.type == p.type);
    /* A key of somebody else's may have a NUL in it, and ends there. */
    CHECK(!p.key || !again.key || strcmp(p.key, again.key) == 0);
    CHECK(again.len == p.len &&
          (p.len == 0 || memcmp(again.data, p.data, p.len) == 0));
    ws_free((char *)payload.p);
}

static void check_lineage(struct ws__str s)
{
    struct ws__lineage l;

    if (!ws__lineage_parse(&l, s, 1000))
        return;
    CHECK(l.n > 0 && l.n <= WS__LINEAGE_MAX);
    for (uint64_t offset = 0; offset <= 1000; offset += 250) {
        ws_place place = ws__lineage_place(&l, offset);

        CHECK(place.offset == offset);
    }
    CHECK(ws__lineage_end(&l).offset == 1000);
    (void)ws__lineage_reaches(&l, &(ws_place){ 1, 1 }, 0);
}

static void check_topic(struct ws__str s)
{
    static const struct ws__str prefix = { "app:", 4 };
    struct ws__redis_names *n = ws__redis_names_new(prefix, s);
    char *topic = malloc(s.n + 1), *other = malloc(s.n + 1);

    CHECK(n && topic && other);
    if (s.n > 0) {
        CHECK(ws__redis_slot(n->channel) == ws__redis_slot(n->hash));
        CHECK(ws__redis_slot(n->channel) == ws__redis_slot(n->stream));
    }
    size_t len = ws__redis_topic_of(prefix, n->channel, topic);
    CHECK(len == s.n && (len == 0 || memcmp(topic, s.p, len) == 0));
    CHECK(ws__redis_topic_of(prefix, s, other) <= s.n);
    free(other);
    free(topic);
    ws_free(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    unsigned kind = take_byte(&in) & 3;
    struct steps steps = take_steps(&in);

    switch (kind) {
    case 0:
        check_replies(in, steps);
        break;
    case 1:
        check_message(as_str(in));
        break;
    case 2:
        check_lineage(as_str(in));
        break;
    default:
        check_topic(as_str(in));
    }
    return 0;
}
