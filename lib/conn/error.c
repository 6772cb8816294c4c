/* SPDX-License-Identifier: MIT */

#include "conn/error.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "conn/end.h"
#include "conn/extras.h"

enum {
    BEING_WRITTEN = 1, /* an error */
    CODES = 192,       /* more than Linux and this library have */
};

struct ws__words {
    ws_error error; /* of a close frame: made by the first who asks, under
                     * control_lock */
    char reason[WS__REASON_MAX + 1]; /* before ws_conn.close_code is set */
};

/* NULL when there is no memory.  Of two at once the second one takes the first's,
 * and frees its own. */
static struct ws__words *words_own(ws_conn *c)
{
    struct ws__extras *x = ws__extras_own(c);
    struct ws__words *there = x ? atomic_load(&x->words) : NULL;

    if (there || !x)
        return there;
    struct ws__words *w = ws__zalloc(sizeof(*w));
    if (!w || atomic_compare_exchange_strong(&x->words, &there, w))
        return w;
    ws_free(w);
    return there;
}

static struct ws__words *words_of(const ws_conn *c)
{
    return atomic_load(&ws__extras(c)->words);
}

/* The words are there before the code is; without memory for them, those that
 * go with the code have to do. */
int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...)
{
    int none = 0;
    va_list ap;

    if (!atomic_compare_exchange_strong(&c->error_code, &none, BEING_WRITTEN))
        return code;
    struct ws__words *w = words_own(c);
    if (w) {
        va_start(ap, fmt);
        ws__line_format(w->error.text, sizeof(w->error.text), fmt, ap);
        va_end(ap);
        w->error.code = code;
    }
    atomic_store_explicit(&c->error_code, code, memory_order_release);
    return code;
}

int ws__conn_closed(ws_conn *c)
{
    int none = 0;

    atomic_compare_exchange_strong(&c->error_code, &none, WS_ERR_CLOSED);
    return WS_ERR_CLOSED;
}

int ws__conn_transport_error(ws_conn *c, int code)
{
    if (ws__conn_ended(c))
        code = ws__conn_end_code(c);
    if (code == WS_ERR_CANCELED || code == WS_ERR_SLOW || code == WS_ERR_EOF)
        return ws__conn_fail(c, code, "%s", ws_strerror(code));
    return ws__conn_fail(c, code, "the transport failed: %s",
                         ws__stream_error(&c->stream, code));
}

/* One for each code, and for good, since the caller may keep it as long as the
 * connection. */
static const ws_error *without_words(int code)
{
    static ws_error words[CODES];
    static struct ws__lock lock;
    int i = 0;

    ws__lock_until(&lock, 0);
    while (i < CODES - 1 && words[i].code != 0 && words[i].code != code)
        i++;
    ws__fail(&words[i], code, "%s", ws_strerror(code));
    ws__unlock(&lock);
    return &words[i];
}

static void describe_close(ws_error *e, int code, const char *reason)
{
    const char *name = ws__close_name(code);

    ws__fail(e, WS_ERR_CLOSED, "the peer closed the connection: %d%s%s%s%s%s",
             code, *name ? " (" : "", name, *name ? ")" : "",
             *reason ? ": " : "", reason);
}

/* Two may ask at once: the first makes the words, under the lock. */
static const ws_error *closed_words(ws_conn *c)
{
    struct ws__words *w = words_own(c);

    if (!w)
        return without_words(WS_ERR_CLOSED);
    ws__lock_until(&c->w.control_lock, 0);
    if (w->error.code == 0)
        describe_close(&w->error, ws_close_code(c), w->reason);
    ws__unlock(&c->w.control_lock);
    return &w->error;
}

const ws_error *ws_conn_error(const ws_conn *c)
{
    static const ws_error none = { .code = 0 };
    static const ws_error null = { .code = WS_ERR_INVALID,
                                   .text = "there is no connection" };

    if (!c)
        return &null;
    int code = atomic_load_explicit(&c->error_code, memory_order_acquire);
    if (code == 0 || code == BEING_WRITTEN)
        return &none;
    if (code == WS_ERR_CLOSED)
        return closed_words((ws_conn *)c);
    const struct ws__words *w = words_of(c);
    return w && w->error.code != 0 ? &w->error : without_words(code);
}

int ws_close_code(const ws_conn *c)
{
    return c ? atomic_load_explicit(&c->close_code, memory_order_acquire) : 0;
}

/* Without memory for the reason the code has to do. */
const char *ws__conn_keep_reason(ws_conn *c, const char *reason, size_t len)
{
    struct ws__words *w = len > 0 ? words_own(c) : NULL;

    if (!w)
        return "";
    memcpy(w->reason, reason, len);
    return w->reason;
}

const char *ws_close_reason(const ws_conn *c)
{
    const struct ws__words *w = ws_close_code(c) ? words_of(c) : NULL;

    return w ? w->reason : "";
}

bool ws_closed_with_(const ws_conn *c, ...)
{
    int code = ws_close_code(c), wanted;
    bool found = false;
    va_list ap;

    va_start(ap, c);
    while (!found && (wanted = va_arg(ap, int)) != 0)
        found = wanted == code;
    va_end(ap);
    return found;
}
