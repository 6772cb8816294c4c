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
    struct ws__request *r = (struct ws__request *)pub;
    size_t bytes, n = each_token(pub->headers, NULL, NULL, &bytes);

    if (r->subprotocols || n == 0)
        return r->subprotocols ? r->subprotocols : none;
    r->subprotocols = ws__alloc((n + 1) * sizeof(char *) + bytes);
    if (!r->subprotocols)
        return none;
    each_token(pub->headers, r->subprotocols, (char *)(r->subprotocols + n + 1),
               &bytes);
    r->subprotocols[n] = NULL;
    return r->subprotocols;
}
