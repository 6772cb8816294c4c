/* SPDX-License-Identifier: MIT */

#include "http/deny.h"

#include <stdio.h>

/* A function that has more denied, by a file that is not there, is not asked
 * about that again. */
static void ask_server(struct ws__request *r, const struct ws__denial *d)
{
    const ws_server *s = r->session->server;

    if (!s->error || r->denied)
        return;
    r->denied = true;
    s->error(&r->pub, d->status, d->reason, s->error_arg);
}

int ws__deny(struct ws__request *r, const struct ws__denial *d)
{
    const ws_header *before = r->needed;
    char text[256];
    int error = 0;

    r->refused = true;
    r->needed = d->needed;
    ask_server(r, d);
    if (!r->answered) {
        snprintf(text, sizeof(text), "%s\n", d->text ? d->text : d->reason);
        error = ws_reply_text(&r->pub, d->status, text);
    }
    r->needed = before;
    return error;
}
