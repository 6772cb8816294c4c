/* SPDX-License-Identifier: MIT */

#include "conn/conn.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "conn/write.h"
#include "io/sock.h"

enum {
    BEING_WRITTEN = 1, /* an error */
    CODES = 192,       /* more than Linux and this library have */

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

/* Does it need extras of its own? */
static bool is_unusual(const struct ws__setup *s)
{
    return s->read_limit != 0 || s->read_buffer_size != 0 ||
           s->write_buffer_size != 0 || s->write_buffer_pool ||
           s->write_timeout_ms != 0 || s->ping_interval_ms != 0 ||
           s->min_read_rate != 0 || s->deflate.on || s->subprotocol;
}

static int set_up(ws_conn *c, const struct ws__setup *s)
{
    struct ws__extras *x = is_unusual(s) ? ws__extras_own(c) : NULL;

    if (!x)
        return is_unusual(s) ? -ENOMEM : 0;
    x->read_limit = s->read_limit == 0 ? x->read_limit : s->read_limit;
    x->min_read_rate =
        s->min_read_rate == 0 ? x->min_read_rate : s->min_read_rate;
    x->read_buffer_size = buffer_size(s->read_buffer_size, 0);
    x->write_buffer_size = buffer_size(s->write_buffer_size, WS__WRITE_BUFFER);
    x->write_buffer_pool = s->write_buffer_pool;
    x->write_timeout_ms = or_default(s->write_timeout_ms, x->write_timeout_ms);
    x->ping_interval_ms = or_default(s->ping_interval_ms, x->ping_interval_ms);
    x->gives_up = x->gives_up || s->ping_interval_ms > 0;
    x->deflate = s->deflate;
    x->lookback.on = s->deflate.client_unasked;
    x->subprotocol = s->subprotocol ? ws__strdup(s->subprotocol) : NULL;
    return s->subprotocol && !x->subprotocol ? -ENOMEM : 0;
}

static int keep_early(ws_conn *c, const struct ws__setup *s)
{
    if (s->early_len == 0)
        return 0;
    int error = ws__reading_begin(c);
    if (error == 0)
        error = ws__buf_resize(&c->r.now->in, s->early_len + 1,
                               c->r.now->reader.buffers);
    if (error == 0)
        ws__buf_append(&c->r.now->in, s->early, s->early_len);
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
    c->deflates = setup->deflate.on;
    atomic_init(&c->refs, 1);
    c->r.heard = true;
    atomic_init(&c->w.compress, true);
    atomic_init(&c->w.level, 1);
    atomic_init(&c->w.coalesce, true);
    int r = ws__stream_watch(&c->stream);
    if (r == 0)
        r = set_up(c, setup);
    if (r == 0)
        r = keep_early(c, setup);
    if (r != 0) {
        ws__fail(err, r, "%s", ws_strerror(r));
        ws_unref(c);
        return NULL;
    }
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
    ws__extras_free(c);
    ws_free(c);
}

/* ---- Errors ------------------------------------------------------------- */

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
        return ws__conn_fail(c, WS_ERR_CANCELED, "%s",
                             ws_strerror(WS_ERR_CANCELED));
    if (code == WS_ERR_EOF)
        return ws__conn_fail(c, code, "%s", ws_strerror(code));
    return ws__conn_fail(c, code, "the transport failed: %s",
                         ws__stream_error(&c->stream, code));
}

/* Of each code for good, since it may be kept as long as the connection. */
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

/* Two may ask at once. */
static const ws_error *closed_words(ws_conn *c)
{
    struct ws__extras *x = ws__extras_own(c);

    if (!x)
        return without_words(WS_ERR_CLOSED);
    ws__lock_until(&c->w.answers_lock, 0);
    if (x->error.code == 0)
        describe_close(&x->error, ws_close_code(c), x->close_reason);
    ws__unlock(&c->w.answers_lock);
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

/* ---- Settings ----------------------------------------------------------- */

/* A connection that there is no memory to set up is none to go on with. */
static struct ws__extras *to_set(ws_conn *c)
{
    struct ws__extras *x = c ? ws__extras_own(c) : NULL;

    if (c && !x) {
        ws__conn_fail(c, -ENOMEM, "out of memory for a setting");
        ws_shutdown(c);
    }
    return x;
}

void ws_set_read_limit(ws_conn *c, int64_t bytes)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->read_limit = bytes == 0 ? WS__READ_LIMIT : bytes;
    if (c->r.now)
        c->r.now->reader.limit = x->read_limit;
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
    atomic_store_explicit(&c->w.level, (signed char)level,
                          memory_order_relaxed);
    return 0;
}

void ws_set_ping_handler(ws_conn *c, ws_control_fn fn, void *arg)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->on_ping = fn;
    x->on_ping_arg = arg;
}

void ws_set_pong_handler(ws_conn *c, ws_control_fn fn, void *arg)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->on_pong = fn;
    x->on_pong_arg = arg;
}

void ws_set_close_handler(ws_conn *c, ws_close_fn fn, void *arg)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->on_close = fn;
    x->on_close_arg = arg;
}

/* ---- About it ----------------------------------------------------------- */

const char *ws_subprotocol(const ws_conn *c)
{
    const char *name = c ? ws__extras(c)->subprotocol : NULL;

    return name ? name : "";
}

/* Asked for seldom, so looked up then; whoever comes second takes the
 * first's. */
static const struct names *names_of(const ws_conn *c)
{
    static const struct names none;
    struct ws__extras *x = c ? ws__extras_own((ws_conn *)c) : NULL;
    void *there = x ? atomic_load(&x->names) : NULL;

    if (there || !x)
        return there ? there : &none;
    struct names *n = ws__alloc(sizeof(*n));
    if (!n)
        return &none;
    ws__local_name(c->stream.fd, n->local);
    ws__remote_name(c->stream.fd, n->remote);
    if (atomic_compare_exchange_strong(&x->names, &there, n))
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
