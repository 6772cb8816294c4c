/* SPDX-License-Identifier: MIT */

/*
 * A connection, of either end, over a transport whose every read and write is
 * ordered: so many bytes, none yet, the end, or an error.  The peer's bytes are
 * what is left of the input.  Two fibers do what they are ordered to, or a thread
 * does, and so many allocations fail.
 */

#include "fuzz/fuzz.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <silverback.h>
#include <zlib.h>

#include "alloc_fail.h"
#include "conn/conn.h"
#include "conn/end.h"
#include "conn/pools.h"
#include "conn/setup.h"
#include "fiber/sched.h"
#include "fiber/worker.h"
#include "proto/close.h"
#include "proto/frame.h"

enum {
    SENT_MAX = 4 << 20,
    ENOUGH = 1 << 20, /* from then on messages are small */
    LARGE = 20000,
    STACK = 512 * 1024,
    CALLS_MAX = 100 * 1000, /* of the transport; far more than the input asks */
    PASSED = 1,             /* a deadline */

    CLIENT = 1,
    DEFLATE = 2,
    SERVER_TAKEOVER = 4,
    CLIENT_TAKEOVER = 8,
    UNASKED = 16,
    IN_THREAD = 32,
    NO_COALESCING = 64,
    SMALL_BUFFERS = 128,

    LEAVE_CLOSE = 1,
    HANDLERS = 2,
    CUT_SLOW = 4,
    EARLY = 8,
};

static struct {
    ws_conn *conn;
    struct ws__setup setup;
    struct input io, peer;
    struct input own, others; /* what the two are to do */
    bool in_thread, leave_close, handlers, no_coalescing, cut_slow;
    int bell; /* an eventfd: readable and writable, always */
    size_t calls;
    bool broken;    /* the transport returned an error, */
    bool shut;      /* or is to, from now on */
    bool discarded; /* a message may have been dropped within */

    uint8_t sent[SENT_MAX];
    size_t n;
} w;

/* ---- The transport ------------------------------------------------------ */

/* Whoever waits looks again. */
static void ring(void)
{
    CHECK(++w.calls < CALLS_MAX);
    (void)!eventfd_write(w.bell, 1);
}

/* Behind the last order there is everything at once. */
static uint8_t io_order(void)
{
    return w.io.n > 0 ? take_byte(&w.io) : 255;
}

static ssize_t peer_read(struct ws__stream *s, void *p, size_t n)
{
    uint8_t order = io_order();

    (void)s;
    ring();
    CHECK(n > 0);
    if (w.shut)
        return 0;
    if (order == 0)
        return -EAGAIN;
    if (order <= 2) {
        w.broken = true;
        return order == 1 ? -ECONNRESET : 0;
    }
    if (order < 128 && n > order - 2u)
        n = order - 2u;
    struct input taken = take_bytes(&w.peer, n);
    if (taken.n > 0)
        memcpy(p, taken.p, taken.n);
    return (ssize_t)taken.n;
}

static ssize_t peer_writev(struct ws__stream *s, const struct iovec *v, int n)
{
    uint8_t order = io_order();
    size_t left = order < 128 ? order : SIZE_MAX, before = w.n;

    (void)s;
    ring();
    if (order == 0 && !w.shut)
        return -EAGAIN;
    if (order == 1 || w.shut) {
        w.broken = true;
        return -EPIPE;
    }
    for (int i = 0; i < n; i++) {
        size_t k = v[i].iov_len < left ? v[i].iov_len : left;

        CHECK(k <= sizeof(w.sent) - w.n);
        if (k > 0)
            memcpy(w.sent + w.n, v[i].iov_base, k);
        w.n += k;
        left -= k;
    }
    CHECK(w.n > before);
    return (ssize_t)(w.n - before);
}

static int peer_half_close(struct ws__stream *s)
{
    (void)s;
    return 0;
}

static void peer_fini(struct ws__stream *s)
{
    ws__stream_unwatch(s);
}

static const struct ws__stream_ops peer_ops = {
    .read = peer_read,
    .writev = peer_writev,
    .half_close = peer_half_close,
    .fini = peer_fini,
};

/* ---- What was sent ------------------------------------------------------ */

static uint8_t letter(size_t i)
{
    return (uint8_t)('a' + (i * i / 7 + i / 300) % 26);
}

struct message {
    bool under_way, compressed;
    size_t n; /* bytes of it */
    z_stream z;
};

/* Every message of ours is the beginning of the same text. */
static void check_text(struct message *m, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK(p[i] == letter(m->n++));
}

/* RFC 7692, section 7.2.2. */
static void check_packed(struct message *m, uint8_t *p, size_t n)
{
    uint8_t out[4096];

    m->z.next_in = p;
    m->z.avail_in = (uInt)n;
    do {
        m->z.next_out = out;
        m->z.avail_out = sizeof(out);
        int r = inflate(&m->z, Z_SYNC_FLUSH);
        CHECK(r == Z_OK || r == Z_BUF_ERROR);
        check_text(m, out, sizeof(out) - m->z.avail_out);
    } while (m->z.avail_out == 0);
}

static void check_data(struct message *m, const struct ws__frame *f, uint8_t *p)
{
    uint8_t tail[] = { 0, 0, 0xff, 0xff };
    bool takeover = w.setup.client ? w.setup.deflate.client_takeover
                                   : w.setup.deflate.server_takeover;

    CHECK((f->opcode == WS__CONTINUATION) == m->under_way);
    CHECK(!f->rsv1 || (w.setup.deflate.on && !m->under_way));
    if (!m->under_way) {
        m->n = 0;
        m->compressed = f->rsv1;
        if (f->rsv1 && !takeover)
            inflateReset(&m->z);
    }
    m->under_way = !f->fin;
    if (!m->compressed)
        check_text(m, p, (size_t)f->len);
    else
        check_packed(m, p, (size_t)f->len);
    if (m->compressed && f->fin)
        check_packed(m, tail, sizeof(tail));
}

static void check_control(const struct ws__frame *f, const uint8_t *p)
{
    int code;

    CHECK(!f->rsv1);
    if (f->opcode == WS_CLOSE)
        CHECK(!ws__close_decode(p, (size_t)f->len, &code));
}

/* Returns its size; 0: it is not all there. */
static size_t check_frame(struct message *m, uint8_t *p, size_t n, bool *closed)
{
    struct ws__frame f;
    int size = ws__frame_decode(&f, p, n);

    CHECK(size >= 0);
    if (size == 0 || f.len > n - (size_t)size)
        return 0;
    CHECK(f.masked == w.setup.client && !*closed);
    p += size;
    for (size_t i = 0; f.masked && i < f.len; i++)
        p[i] ^= f.key[i % 4];
    if (f.opcode & WS__CONTROL_BIT)
        check_control(&f, p);
    else
        check_data(m, &f, p);
    *closed = f.opcode == WS_CLOSE;
    return (size_t)size + (size_t)f.len;
}

/* Frames, up to the one within which the transport broke. */
static void check_sent(void)
{
    static struct message m;
    bool closed = false;
    size_t at = 0, took = 1;

    if (!m.z.state)
        CHECK(inflateInit2(&m.z, -15) == Z_OK);
    inflateReset(&m.z);
    m.under_way = false;
    while (took > 0 && at < w.n) {
        took = check_frame(&m, w.sent + at, w.n - at, &closed);
        at += took;
    }
    CHECK(at == w.n || w.broken || w.discarded);
}

/* ---- What is to be done ------------------------------------------------- */

static void check_code(ptrdiff_t code)
{
    CHECK(code >= 0 || strcmp(ws_strerror((int)code), "unknown error") != 0);
}

static void check_utf8(const char *p, size_t n)
{
    CHECK(ws__utf8_is_valid((const uint8_t *)p, n));
}

static int read_whole(int64_t deadline, ws_event *event, bool take)
{
    ws_message m;
    int r = deadline || event ? ws_read_message_by(w.conn, &m, deadline, event)
                              : ws_read_message(w.conn, &m);

    check_code(r);
    if (r != 0)
        return r;
    CHECK(m.data[m.len] == '\0');
    CHECK(m.type == WS_TEXT || m.type == WS_BINARY);
    CHECK(w.setup.read_limit < 0 || m.len <= (uint64_t)w.setup.read_limit);
    if (m.type == WS_TEXT)
        check_utf8(m.data, m.len);
    memset(m.data, 0xa5, m.len);
    if (take && ws_message_take(w.conn, &m))
        ws_free(m.data);
    return 0;
}

static void read_pieces(size_t size, unsigned n)
{
    char buf[300];
    ws_type type;
    ptrdiff_t r = size % 2 ? ws_next_reader(w.conn, &type) : 0;

    check_code(r);
    for (; r >= 0 && n > 0; n--) {
        r = ws_read(w.conn, buf, 1 + size);
        check_code(r);
        CHECK(r <= (ptrdiff_t)(1 + size));
    }
}

static void read_joined(size_t size)
{
    char buf[300];
    ptrdiff_t r = ws_read_joined(w.conn, "\n", buf, 1 + size);

    check_code(r);
    CHECK(r != 0 && r <= (ptrdiff_t)(1 + size));
}

static const char *text(void)
{
    static uint8_t letters[LARGE];

    for (size_t i = 0; letters[0] == 0 && i < sizeof(letters); i++)
        letters[sizeof(letters) - 1 - i] = letter(sizeof(letters) - 1 - i);
    return (const char *)letters;
}

static void write_pieces(size_t n)
{
    size_t at = 0;
    int r = ws_next_writer(w.conn, WS_TEXT);

    for (; r == 0 && at + n <= LARGE / 2 && at < n * n; at += n) {
        r = ws_write(w.conn, text() + at, n);
        if (r == 0 && n % 3 == 0)
            r = ws_flush(w.conn);
    }
    check_code(r);
    check_code(ws_end_message(w.conn));
}

static void write_prepared(ws_type type, size_t n, bool hand_over)
{
    ws_prepared *p = ws_prepare(type, text(), n);

    if (p) /* out of a thread, it is another one that sends what is handed over */
        check_code(hand_over && !w.in_thread ? ws_enqueue(w.conn, p)
                                             : ws_write_prepared(w.conn, p));
    ws_prepared_free(p);
}

/* What a fiber that reads may do. */
static void read_by_order(uint8_t order, uint8_t more)
{
    ws_event set = { 0 };

    switch (order % 8) {
    case 0:
    case 1:
        (void)read_whole(0, NULL, more & 1);
        break;
    case 2:
        (void)read_whole(PASSED, NULL, false);
        break;
    case 3:
        ws_event_set(&set);
        (void)read_whole(0, &set, false);
        break;
    case 4:
    case 5:
        read_pieces(more, 1 + more % 7);
        break;
    case 6:
        read_joined(more);
        break;
    case 7:
        w.setup.read_limit = more * more;
        ws_set_read_limit(w.conn, w.setup.read_limit ? w.setup.read_limit : -1);
        w.setup.read_limit = w.setup.read_limit ? w.setup.read_limit : -1;
        break;
    }
}

static void write_a_message(uint8_t order, uint8_t more)
{
    size_t large = w.n < ENOUGH ? LARGE : 1;
    size_t n = more < 200 ? more : large / (256u - more);

    switch (order % 8) {
    case 0:
        check_code(ws_write_message(w.conn, WS_TEXT, text(), n));
        break;
    case 1:
        check_code(ws_try_write_message(w.conn, WS_TEXT, text(), n));
        break;
    case 2:
        check_code(ws_write_message_by(w.conn, WS_BINARY, text(), n, PASSED));
        break;
    case 3:
        write_pieces(1 + n);
        break;
    case 4:
        write_prepared(WS_TEXT, n, false);
        break;
    case 5:
        write_prepared(WS_BINARY, n, true);
        break;
    case 6:
        write_prepared(WS_PING, more % 126, false);
        break;
    case 7:
        check_code(ws_write_message(w.conn, WS_BINARY, text(), large));
        break;
    }
}

static void do_else(uint8_t order, uint8_t more)
{
    static const int codes[] = { 1000, 1001, 1005, 3000, 4999, 1011, 999, 0 };

    switch (order % 8) {
    case 0:
        check_code(ws_write_control(w.conn, more & 1 ? WS_PING : WS_PONG,
                                    text(), more, more & 2 ? PASSED : 0));
        break;
    case 1:
        check_code(ws_write_close(w.conn, codes[more % 8],
                                  more & 8 ? "a reason" : NULL));
        break;
    case 2:
        check_code(ws_flush(w.conn));
        break;
    case 3:
        ws_enable_write_compression(w.conn, more & 1);
        check_code(ws_set_compression_level(w.conn, more % 12 - 2));
        break;
    case 4:
        ws_set_write_deadline(w.conn, more & 1 ? PASSED : 0);
        ws_set_read_deadline(w.conn, more & 2 ? PASSED : 0);
        break;
    case 5:
        (void)ws_buffered(w.conn);
        ws_yield();
        break;
    case 6:
        alloc_fail_at(more);
        break;
    case 7:
        if (more < 32) {
            w.shut = w.broken = true;
            ws_shutdown(w.conn);
        }
        break;
    }
}

static void follow(struct input *orders, bool reads)
{
    while (orders->n > 0) {
        uint8_t order = take_byte(orders), more = take_byte(orders);

        if (order < 96 && reads)
            read_by_order(order, more);
        else if (order < 192)
            write_a_message(order, more);
        else
            do_else(order, more);
    }
}

/* ---- A connection's life ------------------------------------------------ */

static int ping_came(ws_conn *c, const char *data, size_t len, void *arg)
{
    (void)arg;
    CHECK(data[len] == '\0');
    return len == 125 ? WS_ERR_CANCELED
                      : ws_write_message(c, WS_TEXT, text(), len);
}

static int close_came(ws_conn *c, int code, const char *reason, void *arg)
{
    (void)arg;
    check_utf8(reason, strlen(reason));
    CHECK(ws_close_code(c) == code);
    return ws_write_message(c, WS_TEXT, text(), 5);
}

static void set_handlers(void)
{
    const ws_queue_options slow = { .max_messages = 2, .slow = WS_SLOW_CLOSE };

    if (w.handlers) {
        ws_set_ping_handler(w.conn, ping_came, NULL);
        ws_set_close_handler(w.conn, close_came, NULL);
    }
    if (w.leave_close)
        ws_set_close_delay(w.conn, -1);
    if (w.no_coalescing)
        ws_set_coalescing(w.conn, false);
    if (w.cut_slow)
        check_code(ws_set_queue(w.conn, &slow));
}

static void do_others(void *conn)
{
    follow(&w.others, false);
    ws_unref(conn);
}

/* The second fiber runs whenever the first one waits. */
static void live(void *arg)
{
    static struct ws__transport peer = { &peer_ops };
    const struct ws__stream s = { .transport = &peer,
                                  .fd = w.bell,
                                  .read_events = POLLIN,
                                  .write_events = POLLOUT };
    ws_fiber *f = NULL;
    int r = 0;

    (void)arg;
    w.conn = ws__conn_new(&s, &w.setup, NULL);
    if (!w.conn)
        return;
    set_handlers();
    if (ws__in_fiber())
        f = ws_go(do_others, ws_ref(w.conn));
    if (ws__in_fiber() && !f)
        ws_unref(w.conn);
    follow(&w.own, true);
    if (f)
        ws_join(f);
    else
        follow(&w.others, true);
    alloc_fail_at(0);
    ws_set_read_deadline(w.conn, 0);
    while (r == 0)
        r = read_whole(0, NULL, false);
    CHECK(ws_close_code(w.conn) != 0);
    check_code(ws_finish(w.conn, WS_CLOSE_NORMAL, "bye", ws_after(10000)));
    check_code(ws_conn_error(w.conn)->code);
    w.discarded = ws_conn_error(w.conn)->code != WS_ERR_CLOSED ||
                  ws__conn_ended(w.conn); /* cut, when the peer had closed */
    if (w.in_thread) /* lingering, it would leave that to another one */
        w.io.n = w.peer.n = 0;
    ws_close(w.conn);
}

static void live_in_fiber(void)
{
    struct ws__worker *worker = ws__worker_new(STACK);

    CHECK(worker && ws__run_worker(worker, live, NULL) == 0);
    ws__worker_unref(worker);
}

/* ---- Orders ------------------------------------------------------------- */

static void take_setup(struct input *in)
{
    unsigned flags = take_byte(in), more = take_byte(in);

    w.setup = (struct ws__setup){
        .client = flags & CLIENT,
        .deflate = { .on = flags & DEFLATE,
                     .server_takeover = flags & SERVER_TAKEOVER,
                     .client_takeover = flags & CLIENT_TAKEOVER,
                     .client_unasked = flags & UNASKED,
                     .server_bits = 9 + (int)(more >> 4) % 7,
                     .client_bits = 9 + (int)(more >> 5) % 7 },
        .read_limit = 1 << 16,
        .read_buffer_size = flags & SMALL_BUFFERS ? 256 : 0,
        .write_buffer_size = flags & SMALL_BUFFERS ? 256 : 0,
    };
    w.no_coalescing = flags & NO_COALESCING;
    w.leave_close = more & LEAVE_CLOSE;
    w.handlers = more & HANDLERS;
    w.cut_slow = more & CUT_SLOW;
    struct input early = take_bytes(in, more & EARLY ? take_byte(in) : 0);
    w.setup.early = early.p;
    w.setup.early_len = early.n;
    w.in_thread = flags & IN_THREAD;
}

static void begin(struct input *in)
{
    int bell = w.bell ? w.bell : eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

    CHECK(bell > 0);
    w.bell = bell;
    w.calls = w.n = 0;
    w.broken = w.shut = w.discarded = false;
    take_setup(in);
    w.own = take_bytes(in, take_byte(in));
    w.others = take_bytes(in, take_byte(in));
    w.io = take_bytes(in, take_byte(in));
    w.peer = *in;
}

static void run(struct input in)
{
    begin(&in);
    if (w.in_thread)
        live(NULL);
    else
        live_in_fiber();
    ws__before_park_run(); /* it keeps what it has promised to send of */
    ws__pools_cleanup();
    check_sent();
}

/* What is made once, by the first who wants it, is no leak. */
static void warm_up(void)
{
    uint8_t orders[] = { 0, 0, 6, 6, 97, 3, 200, 1, 1, 0, 0 };

    alloc_fail_install();
    for (int i = 0; i < 4; i++) {
        orders[0] = (i & 1 ? CLIENT : 0) | (i & 2 ? IN_THREAD : 0) | DEFLATE;
        run((struct input){ orders, sizeof(orders) });
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!w.bell)
        warm_up();
    long before = alloc_live();
    run((struct input){ data, size });
    CHECK(alloc_live() == before);
    return 0;
}
