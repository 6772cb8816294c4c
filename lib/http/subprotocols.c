/* SPDX-License-Identifier: MIT */

/* ws_requested_subprotocols. */

#include <silverback/upgrade.h>

#include <string.h>

#include "base/alloc.h"
#include "http/request.h"
#include "proto/header.h"

static const char field[] = "Sec-WebSocket-Protocol";

/* Count the tokens and their bytes, with a NUL each; list them, unless list is
 * NULL, with their text at text. */
static size_t each_token(const ws_header *headers, const char **list,
                         char *text, size_t *bytes)
{
    size_t n = 0;

    *bytes = 0;
    for (const ws_header *h = headers; h->name; h++) {
        struct ws__str rest = ws__str(h->value), token;
        bool bad = false;

        if (!ws__equal_nocase(h->name, field))
            continue;
        for (; ws__header_next_token(&rest, &token, &bad); n++) {
            if (list) {
                list[n] = memcpy(text + *bytes, token.p, token.n);
                text[*bytes + token.n] = '\0';
            }
            *bytes += token.n + 1;
        }
    }
    return n;
}

const char *const *ws_requested_subprotocols(ws_request *pub)
{
    static const char *const none[] = { NULL };
    struct ws__request *r = ws__request_of(pub);
    size_t bytes, n = r ? each_token(pub->headers, NULL, NULL, &bytes) : 0;

    if (n == 0)
        return none;
    if (r->made[WS__MADE_SUBPROTOCOLS])
        return r->made[WS__MADE_SUBPROTOCOLS];
    const char **list = ws__alloc((n + 1) * sizeof(char *) + bytes);
    if (!list)
        return none;
    each_token(pub->headers, list, (char *)(list + n + 1), &bytes);
    list[n] = NULL;
    r->made[WS__MADE_SUBPROTOCOLS] = list;
    return list;
}
