/* SPDX-License-Identifier: MIT */

#include "redis/call.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "redis/codec.h"

/* In RESP, as the node expects it before the command. */
static const char asking_bytes[] = "*1\r\n$6\r\nASKING\r\n";

static int call_fill(struct ws__redis_call *call,
                     const struct ws__redis_command *c, bool asking)
{
    size_t before = asking ? sizeof(asking_bytes) - 1 : 0, n;
    char *bytes;
    int r = ws__redis_format(c, &bytes, &n);

    if (r != 0)
        return r;
    call->bytes = ws__alloc(before + n);
    if (call->bytes) {
        memcpy(call->bytes, asking_bytes, before);
        memcpy(call->bytes + before, bytes, n);
    }
    ws__redis_format_free(bytes);
    call->len = before + n;
    call->replies = asking ? 2 : 1;
    return call->bytes ? 0 : -ENOMEM;
}

int ws__redis_call_new(struct ws__redis_call **call,
                       const struct ws__redis_command *c, bool asking)
{
    *call = ws__zalloc(sizeof(**call));
    if (!*call)
        return -ENOMEM;
    int r = call_fill(*call, c, asking);
    if (r != 0) {
        ws__redis_call_free(*call);
        *call = NULL;
    }
    return r;
}

void ws__redis_call_free(struct ws__redis_call *call)
{
    ws__redis_reply_free(call->reply);
    ws_free(call->bytes);
    ws_free(call);
}

void ws__redis_call_finish(struct ws__redis_call *call, int code,
                           struct ws__redis_reply *reply)
{
    call->code = code;
    call->reply = reply;
    if (call->left) {
        ws__redis_call_free(call);
        return;
    }
    call->finished = true;
    ws_event_set(&call->over);
}

void ws__redis_calls_add(struct ws__redis_calls *l, struct ws__redis_call *call)
{
    call->next = NULL;
    call->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = call;
    l->last = call;
}

void ws__redis_calls_remove(struct ws__redis_calls *l,
                            struct ws__redis_call *call)
{
    *(call->prev ? &call->prev->next : &l->first) = call->next;
    *(call->next ? &call->next->prev : &l->last) = call->prev;
}

void ws__redis_calls_fail(struct ws__redis_calls *l, int code)
{
    while (l->first) {
        struct ws__redis_call *call = l->first;

        ws__redis_calls_remove(l, call);
        ws__redis_call_finish(call, code, NULL);
    }
}
