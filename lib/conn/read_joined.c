/* SPDX-License-Identifier: MIT */

/* All messages as one stream of bytes. */

#include <string.h>

#include "conn/inbox.h"
#include "conn/read.h"

/* What is left of the terminator, or some of it.  Returns 0 at its end. */
static size_t give_term(ws_conn *c, const char *term, void *buf, size_t n)
{
    size_t len = term ? strlen(term) : 0, at = c->r.inbox->term_at;
    size_t left = at < len ? len - at : 0, given = left < n ? left : n;

    if (given > 0)
        memcpy(buf, term + at, given);
    c->r.inbox->term_at += given;
    c->r.inbox->in_term = given < left;
    return given;
}

static bool in_message(const ws_conn *c)
{
    const struct ws__inbox *g = c->r.inbox;

    return g && g->by_pieces && g->reader.type != 0;
}

/* Some of the message under way, or of the next one.  Returns 0 at its end. */
static ptrdiff_t give_message(ws_conn *c, void *buf, size_t n)
{
    ws_type type;
    int error = in_message(c) ? 0 : ws_next_reader(c, &type);

    if (error != 0)
        return error;
    ptrdiff_t given = ws_read(c, buf, n);
    if (given == 0) {
        c->r.inbox->in_term = true;
        c->r.inbox->term_at = 0;
    }
    return given;
}

ptrdiff_t ws_read_joined(ws_conn *c, const char *term, void *buf, size_t n)
{
    ptrdiff_t given = 0;

    if (!c || !buf || n == 0)
        return WS_ERR_INVALID;
    if (ws__read_is_busy(c))
        return WS_ERR_BUSY;
    while (given == 0)
        given = c->r.inbox && c->r.inbox->in_term
                    ? (ptrdiff_t)give_term(c, term, buf, n)
                    : give_message(c, buf, n);
    return given;
}
