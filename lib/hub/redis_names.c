/* SPDX-License-Identifier: MIT */

#include "hub/redis_names.h"

#include <string.h>

#include "base/alloc.h"

static bool is_escaped(char c)
{
    return c == '}' || c == '%';
}

static size_t names_size(struct ws__str prefix, struct ws__str topic)
{
    size_t n = prefix.n + topic.n + 2;

    for (size_t i = 0; i < topic.n; i++)
        n += is_escaped(topic.p[i]) ? 2 : 0;
    return n;
}

static char *names_put_topic(char *to, struct ws__str topic)
{
    for (size_t i = 0; i < topic.n; i++) {
        if (!is_escaped(topic.p[i])) {
            *to++ = topic.p[i];
            continue;
        }
        to = ws__str_put(to, ws__str(topic.p[i] == '}' ? "%7D" : "%25"));
    }
    return to;
}

/* The channel with what is behind it, at to; moves to. */
static struct ws__str names_key(char **to, struct ws__str channel,
                                const char *behind)
{
    char *begin = *to;

    *to = ws__str_put(ws__str_put(begin, channel), ws__str(behind));
    return (struct ws__str){ begin, (size_t)(*to - begin) };
}

struct ws__redis_names *ws__redis_names_new(struct ws__str prefix,
                                            struct ws__str topic)
{
    size_t size = names_size(prefix, topic);
    struct ws__redis_names *n = ws__alloc(sizeof(*n) + 3 * size + 4);
    char *begin, *p;

    if (!n)
        return NULL;
    begin = (char *)(n + 1);
    p = ws__str_put(begin, prefix);
    *p++ = '{';
    p = names_put_topic(p, topic);
    *p++ = '}';
    n->channel = (struct ws__str){ begin, size };
    n->hash = names_key(&p, n->channel, ":m");
    n->stream = names_key(&p, n->channel, ":s");
    return n;
}

char *ws__redis_presence_key(const struct ws__redis_names *n, const char *node)
{
    char *key = ws__alloc(n->channel.n + strlen(node) + 4);

    if (!key)
        return NULL;
    char *p = ws__str_put(ws__str_put(key, n->channel), ws__str(":p:"));
    *ws__str_put(p, ws__str(node)) = '\0';
    return key;
}

/* One character of a topic, at *p; moves *p. */
static char names_unescape(const char **p, const char *end)
{
    char c = *(*p)++;

    if (c != '%' || end - *p < 2)
        return c;
    *p += 2;
    return (*p)[-1] == 'D' ? '}' : '%';
}

size_t ws__redis_topic_of(struct ws__str prefix, struct ws__str channel,
                          char *to)
{
    char *out = to;

    if (channel.n < prefix.n + 3 || memcmp(channel.p, prefix.p, prefix.n) != 0)
        return 0;
    const char *p = channel.p + prefix.n, *end = channel.p + channel.n - 1;
    if (*p != '{' || *end != '}')
        return 0;
    for (p++; p < end;)
        *out++ = names_unescape(&p, end);
    return (size_t)(out - to);
}
