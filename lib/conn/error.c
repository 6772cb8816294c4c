/* SPDX-License-Identifier: MIT */

#include "conn/error.h"

#include "base/error.h"
#include "base/line.h"
#include "conn/end.h"
#include "conn/extras.h"

enum {
    BEING_WRITTEN = 1, /* an error */
    CODES = 192,       /* more than Linux and this library have */
};

/* The words are there before the code is; without memory for them, those that
 * go with the code have to do. */
int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...)
{
    int none = 0;
    va_list ap;

    if (!atomic_compare_exchange_strong(&c->error_code, &none, BEING_WRITTEN))
        return code;
    struct ws__extras *x = ws__extras_own(c);
    if (x) {
        va_start(ap, fmt);
        ws__line_format(x->error.text, sizeof(x->error.text), fmt, ap);
        va_end(ap);
        x->error.code = code;
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
    struct ws__extras *x = ws__extras_own(c);

    if (!x)
        return without_words(WS_ERR_CLOSED);
    ws__lock_until(&c->w.control_lock, 0);
    if (x->error.code == 0)
        describe_close(&x->error, ws_close_code(c), x->close_reason);
    ws__unlock(&c->w.control_lock);
    return &x->error;
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
    const ws_error *e = &ws__extras(c)->error;
    return e->code != 0 ? e : without_words(code);
}

int ws_close_code(const ws_conn *c)
{
    return c ? atomic_load_explicit(&c->close_code, memory_order_acquire) : 0;
}

const char *ws_close_reason(const ws_conn *c)
{
    return ws_close_code(c) ? ws__extras(c)->close_reason : "";
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
