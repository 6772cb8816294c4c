/* SPDX-License-Identifier: MIT */

#include "ws/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "io/sock.h"
#include "ws/write.h"

enum {
    READ_LIMIT = 16 * 1024 * 1024,
    WRITE_TIMEOUT_MS = 60 * 1000,
    PING_INTERVAL_MS = 30 * 1000,

    /* Smaller buffers could not hold a control frame. */
    BUFFER_MIN = 256,
};

struct names {
    char local[WS__ADDR_LEN];
    char remote[WS__ADDR_LEN];
};

/* ---- Making ------------------------------------------------------------- */

static int or_default(int value, int standard)
{
    return value == 0 ? standard : value;
}

static size_t buffer_size(size_t wanted, size_t standard)
{
    if (wanted == 0)
        return standard;
    return wanted < BUFFER_MIN ? BUFFER_MIN : wanted;
}

static void set_up_reading(ws_conn *c, const struct ws__setup *s)
{
    struct ws__reader *r = &c->r.reader;

    c->r.buffer_size = buffer_size(s->read_buffer_size, 0);
    c->r.ping_interval_ms =
        or_default(s->ping_interval_ms, s->client ? -1 : PING_INTERVAL_MS);
    c->r.heard = true;
    r->client = s->client;
    r->compression = s->deflate.on;
    r->takeover =
        s->client ? s->deflate.server_takeover : s->deflate.client_takeover;
    r->in_max = c->r.buffer_size ? c->r.buffer_size : WS__READ_BUFFER;
    ws__read_pools(c);
    ws_set_read_limit(c, s->read_limit);
}

static void set_up_writing(ws_conn *c, const struct ws__setup *s)
{
    c->w.pool = s->write_buffer_pool;
    c->w.buffer_size = buffer_size(s->write_buffer_size, WS__WRITE_BUFFER);
    c->w.timeout_ms = or_default(s->write_timeout_ms, WRITE_TIMEOUT_MS);
    atomic_init(&c->w.compress, true);
    atomic_init(&c->w.level, 1);
    atomic_init(&c->w.coalesce, true);
}

static int keep_early(ws_conn *c, const struct ws__setup *s)
{
    if (s->early_len == 0)
        return 0;
    int error =
        ws__buf_resize(&c->r.in, s->early_len + 1, &ws__pools_here()->read);
    if (error == 0)
        ws__buf_append(&c->r.in, s->early, s->early_len);
    return error;
}

ws_conn *ws__conn_new(const struct ws__stream *s, const struct ws__setup *setup,
                      ws_error *err)
{
    struct ws__stream stream = *s;
    ws_conn *c = ws__zalloc(sizeof(*c));

    if (!c) {
        stream.ops->fini(&stream);
        ws__fail(err, -ENOMEM, "out of memory");
        return NULL;
    }
    c->stream = stream;
    c->client = setup->client;
    c->deflate = setup->deflate;
    atomic_init(&c->refs, 1);
    set_up_reading(c, setup);
    set_up_writing(c, setup);
    if (setup->subprotocol)
        c->subprotocol = ws__strdup(setup->subprotocol);
    int r = ws__stream_watch(&c->stream);
    if (r == 0 && setup->subprotocol && !c->subprotocol)
        r = -ENOMEM;
    if (r == 0)
        r = keep_early(c, setup);
    if (r != 0) {
        ws__fail(err, r, "%s", ws_strerror(r));
        ws_unref(c);
        return NULL;
    }
    c->closed = setup->closed;
    c->closed_arg = setup->arg;
    return c;
}

ws_conn *ws_ref(ws_conn *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void ws_unref(ws_conn *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    ws__write_fini(c);
    ws__read_fini(c);
    c->stream.ops->fini(&c->stream);
    ws_free(c->subprotocol);
    ws_free(atomic_load(&c->names));
    ws_free(c);
}

/* ---- Errors ------------------------------------------------------------- */

int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...)
{
    int none = 0;
    va_list ap;

    if (!atomic_compare_exchange_strong(&c->error_state, &none, 1))
        return code;
    va_start(ap, fmt);
    vsnprintf(c->error.text, sizeof(c->error.text), fmt, ap);
    va_end(ap);
    c->error.code = code;
    atomic_store_explicit(&c->error_state, 2, memory_order_release);
    return code;
}

bool ws__conn_ended(const ws_conn *c)
{
    return atomic_load(&c->end) != WS__OPEN;
}

int ws__conn_transport_error(ws_conn *c, int code)
{
    if (ws__conn_ended(c))
        return ws__conn_fail(c, WS_ERR_CANCELED, "%s",
                             ws_strerror(WS_ERR_CANCELED));
    if (code == WS_ERR_EOF)
        return ws__conn_fail(c, code, "%s", ws_strerror(code));
    return ws__conn_fail(c, code, "the transport failed: %s",
                         ws__stream_error(&c->stream, code));
}

const ws_error *ws_conn_error(const ws_conn *c)
{
    static const ws_error none = { .code = 0 };
    static const ws_error null = { .code = WS_ERR_INVALID,
                                   .text = "there is no connection" };

    if (!c)
        return &null;
    return atomic_load_explicit(&c->error_state, memory_order_acquire) == 2
               ? &c->error
               : &none;
}

int ws_close_code(const ws_conn *c)
{
    return c ? atomic_load_explicit(&c->close_code, memory_order_acquire) : 0;
}

const char *ws_close_reason(const ws_conn *c)
{
    return ws_close_code(c) ? c->close_reason : "";
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

/* ---- Settings ----------------------------------------------------------- */

void ws_set_read_limit(ws_conn *c, int64_t bytes)
{
    if (c)
        c->r.reader.limit = bytes == 0 ? READ_LIMIT : bytes;
}

void ws_set_read_deadline(ws_conn *c, int64_t deadline)
{
    if (c)
        atomic_store_explicit(&c->r.deadline, deadline, memory_order_relaxed);
}

void ws_set_write_deadline(ws_conn *c, int64_t deadline)
{
    if (c)
        atomic_store_explicit(&c->w.deadline, deadline, memory_order_relaxed);
}

void ws_enable_write_compression(ws_conn *c, bool enable)
{
    if (c)
        atomic_store_explicit(&c->w.compress, enable, memory_order_relaxed);
}

int ws_set_compression_level(ws_conn *c, int level)
{
    if (!c || !ws__deflate_level_valid(level))
        return WS_ERR_INVALID;
    atomic_store_explicit(&c->w.level, level, memory_order_relaxed);
    return 0;
}

void ws_set_ping_handler(ws_conn *c, ws_control_fn fn, void *arg)
{
    if (!c)
        return;
    c->on_ping = fn;
    c->on_ping_arg = arg;
}

void ws_set_pong_handler(ws_conn *c, ws_control_fn fn, void *arg)
{
    if (!c)
        return;
    c->on_pong = fn;
    c->on_pong_arg = arg;
}

void ws_set_close_handler(ws_conn *c, ws_close_fn fn, void *arg)
{
    if (!c)
        return;
    c->on_close = fn;
    c->on_close_arg = arg;
}

/* ---- About it ----------------------------------------------------------- */

const char *ws_subprotocol(const ws_conn *c)
{
    return c && c->subprotocol ? c->subprotocol : "";
}

/* Asked for seldom, so looked up then; whoever comes second takes the
 * first's. */
static const struct names *names_of(const ws_conn *c)
{
    static const struct names none;
    ws_conn *mutable = (ws_conn *)c;
    void *there = c ? atomic_load(&mutable->names) : NULL;

    if (there || !c)
        return there ? there : &none;
    struct names *n = ws__alloc(sizeof(*n));
    if (!n)
        return &none;
    ws__local_name(c->stream.fd, n->local);
    ws__remote_name(c->stream.fd, n->remote);
    if (atomic_compare_exchange_strong(&mutable->names, &there, n))
        return n;
    ws_free(n);
    return there;
}

const char *ws_local_addr(const ws_conn *c)
{
    return names_of(c)->local;
}

const char *ws_remote_addr(const ws_conn *c)
{
    return names_of(c)->remote;
}

int ws_fd(const ws_conn *c)
{
    return c ? c->stream.fd : WS_ERR_INVALID;
}

void ws_set_user(ws_conn *c, void *user)
{
    if (c)
        c->user = user;
}

void *ws_user(const ws_conn *c)
{
    return c ? c->user : NULL;
}
