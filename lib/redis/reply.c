/* SPDX-License-Identifier: MIT */

#include "redis/reply.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"

/* NOLINTNEXTLINE(misc-no-recursion): not deeper than WS__REDIS_DEPTH_MAX */
void ws__redis_reply_free(struct ws__redis_reply *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->elements; i++)
        ws__redis_reply_free(r->element[i]);
    ws_free(r->element);
    ws_free(r->str);
    ws_free(r);
}

struct ws__str ws__redis_reply_str(const struct ws__redis_reply *r)
{
    return r && r->str ? (struct ws__str){ r->str, r->len } : ws__str("");
}

long long ws__redis_reply_number(const struct ws__redis_reply *r)
{
    unsigned long long n;

    if (r && r->type == WS__REDIS_INTEGER)
        return r->integer;
    return ws__str_number(ws__redis_reply_str(r), LLONG_MAX, &n) ? (long long)n
                                                                 : -1;
}

bool ws__redis_reply_is_error(const struct ws__redis_reply *r, const char *word)
{
    size_t n = strlen(word);

    return r && r->type == WS__REDIS_ERROR && r->len >= n &&
           memcmp(r->str, word, n) == 0 &&
           (r->str[n] == ' ' || r->str[n] == '\0');
}

const struct ws__redis_reply *ws__redis_reply_at(
    const struct ws__redis_reply *r, size_t i)
{
    return r && i < r->elements ? r->element[i] : NULL;
}
