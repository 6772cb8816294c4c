/* SPDX-License-Identifier: MIT */

#include "hub/redis_message.h"

#include <string.h>

#include "base/alloc.h"

struct ws__str ws__redis_payload(const ws_publication *p)
{
    size_t key = p->key ? strlen(p->key) : 0;
    char *begin = ws__alloc(1 + 20 + 1 + key + p->len), *end = begin;

    if (!begin)
        return (struct ws__str){ NULL, 0 };
    *end++ = p->type == WS_TEXT ? 't' : 'b';
    end = ws__decimal(end, key);
    *end++ = ' ';
    if (key > 0)
        memcpy(end, p->key, key);
    end += key;
    if (p->len > 0)
        memcpy(end, p->data, p->len);
    return (struct ws__str){ begin, (size_t)(end - begin) + p->len };
}

/* The number before the first space; moves s behind that. */
static bool message_number(struct ws__str *s, unsigned long long max,
                           unsigned long long *n)
{
    const char *space = memchr(s->p, ' ', s->n);

    if (!space || !ws__str_number(
                      (struct ws__str){ s->p, (size_t)(space - s->p) }, max, n))
        return false;
    s->n -= (size_t)(space + 1 - s->p);
    s->p = space + 1;
    return true;
}

bool ws__redis_payload_read(ws_publication *p, struct ws__str payload,
                            struct ws__redis_key *key)
{
    struct ws__str s = payload;
    unsigned long long n;

    if (s.n == 0 || (*s.p != 't' && *s.p != 'b'))
        return false;
    p->type = *s.p == 't' ? WS_TEXT : WS_BINARY;
    s = (struct ws__str){ s.p + 1, s.n - 1 };
    if (!message_number(&s, sizeof(key->text) - 1, &n) || n > s.n)
        return false;
    size_t len = (size_t)n;
    memcpy(key->text, s.p, len);
    key->text[len] = '\0';
    p->key = len > 0 ? key->text : NULL;
    p->data = s.p + len;
    p->len = s.n - len;
    return true;
}

bool ws__redis_message_read(ws_place *place, struct ws__str *payload,
                            struct ws__str message)
{
    const unsigned long long most = 1ULL << 53;
    unsigned long long epoch, offset;

    *payload = message;
    if (!message_number(payload, most, &epoch) ||
        !message_number(payload, most, &offset) || epoch == 0)
        return false;
    *place = (ws_place){ epoch, offset };
    return true;
}
