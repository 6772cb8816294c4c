/* SPDX-License-Identifier: MIT */

/* Compressed messages as a peer reads them that never begins a new stream:
 * many do not, whatever was agreed. */

#include "mode.h"

#include <zlib.h>

#include "pair.h"
#include "conn/conn.h"
#include "conn/setup.h"

enum {
    LARGEST = 300000,
    TAIL = 4,
};

/* ---- What was sent ------------------------------------------------------ */

struct sent {
    struct ws__transport transport;
    uint8_t bytes[2 * LARGEST];
    size_t len;
};

static ssize_t keep(struct ws__stream *s, const struct iovec *v, int n)
{
    struct sent *sent = (struct sent *)s->transport;
    size_t before = sent->len;

    for (int i = 0; i < n; i++) {
        assert_true(v[i].iov_len <= sizeof(sent->bytes) - sent->len);
        memcpy(sent->bytes + sent->len, v[i].iov_base, v[i].iov_len);
        sent->len += v[i].iov_len;
    }
    return (ssize_t)(sent->len - before);
}

/* A connection that writes into *sent; its other end is *raw. */
static ws_conn *with_sent(struct sent *sent, int *raw,
                          const struct ws__setup *setup)
{
    static struct ws__stream_ops ops;
    struct ws__stream s;
    ws_error err;
    int fds[2];

    make_pair(fds);
    *raw = fds[1];
    ws__nonblocking(fds[0]);
    ws__stream_socket(&s, fds[0]);
    ops = *s.transport->ops;
    ops.writev = keep;
    sent->transport.ops = &ops;
    s.transport = &sent->transport;
    ws_conn *c = ws__conn_new(&s, setup, &err);
    assert_non_null(c);
    return c;
}

/* Put a message's payload together in place, and the tail behind it. */
static size_t join(struct sent *sent)
{
    size_t at = 0, len = 0;
    struct ws__frame f = { 0 };

    for (bool first = true; at < sent->len; first = false) {
        int n = ws__frame_decode(&f, sent->bytes + at, sent->len - at);
        assert_true(n > 0 && f.len <= sent->len - at - (size_t)n);
        assert_int_equal(f.opcode, first ? WS_BINARY : 0);
        assert_int_equal(f.rsv1, first);
        at += (size_t)n;
        if (f.masked)
            ws__mask_scalar(sent->bytes + at, (size_t)f.len, f.key, 0);
        memmove(sent->bytes + len, sent->bytes + at, (size_t)f.len);
        at += (size_t)f.len;
        len += (size_t)f.len;
    }
    assert_true(f.fin);
    memcpy(sent->bytes + len, "\0\0\xff\xff", TAIL);
    return len + TAIL;
}

/* The stream goes on: so no block was its last one, and it ends where a block
 * does, whose bytes are all there. */
static void inflates_to(z_stream *z, struct sent *sent, const uint8_t *data,
                        size_t n)
{
    static uint8_t out[LARGEST + 1];

    z->next_in = sent->bytes;
    z->avail_in = (uInt)join(sent);
    z->next_out = out;
    z->avail_out = sizeof(out);
    sent->len = 0;
    int code = inflate(z, Z_SYNC_FLUSH);
    if (code != Z_OK)
        fail_msg("%zu bytes: inflate returns %d, %s", n, code,
                 z->msg ? z->msg : "the stream has ended");
    assert_int_equal(z->avail_in, 0);
    assert_int_equal(z->data_type & 0xff, 128); /* at the end of a block */
    assert_int_equal(sizeof(out) - z->avail_out, n);
    assert_memory_equal(out, data, n);
}

/* ---- Ways to send ------------------------------------------------------- */

static int whole(ws_conn *c, const uint8_t *data, size_t n)
{
    return ws_write_message(c, WS_BINARY, data, n);
}

static int prepared(ws_conn *c, const uint8_t *data, size_t n)
{
    ws_prepared *p = ws_prepare(WS_BINARY, data, n);

    assert_non_null(p);
    int error = ws_write_prepared(c, p);
    ws_prepared_free(p);
    return error;
}

/* Flushed once in the middle, and twice at the end. */
static int pieces(ws_conn *c, const uint8_t *data, size_t n)
{
    int error = ws_next_writer(c, WS_BINARY);

    if (error == 0)
        error = ws_write(c, data, n / 3);
    if (error == 0)
        error = ws_write(c, data + n / 3, n / 3);
    if (error == 0)
        error = ws_flush(c);
    if (error == 0)
        error = ws_write(c, data + 2 * (n / 3), n - 2 * (n / 3));
    for (int i = 0; error == 0 && i < 2; i++)
        error = ws_flush(c);
    return error == 0 ? ws_end_message(c) : error;
}

static int one_piece(ws_conn *c, const uint8_t *data, size_t n)
{
    int error = ws_next_writer(c, WS_BINARY);

    if (error == 0)
        error = ws_write(c, data, n);
    return error == 0 ? ws_end_message(c) : error;
}

static int (*const ways[])(ws_conn *c, const uint8_t *data, size_t n) = {
    whole,
    prepared,
    pieces,
    one_piece,
};

/* ---- Messages ----------------------------------------------------------- */

/* Text, noise, and one byte over and over. */
static uint8_t *kinds[3];

static int make_kinds(void **state)
{
    uint32_t x = 1;

    (void)state;
    kinds[0] = (uint8_t *)make_text(LARGEST);
    kinds[1] = malloc(LARGEST);
    kinds[2] = calloc(1, LARGEST);
    assert_true(kinds[1] && kinds[2]);
    for (size_t i = 0; i < LARGEST; i++) {
        x = x * 1664525 + 1013904223;
        kinds[1][i] = (uint8_t)(x >> 24);
    }
    return 0;
}

static int free_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++)
        free(kinds[i]);
    return 0;
}

/* One message after the other takes the next of these; of a large one there is
 * now and then one. */
static size_t next_size(size_t i)
{
    static const size_t small[] = { 0,   1,    5,    0,    63,  64,  65,
                                    125, 1023, 1024, 1025, 300, 4000 };
    static const size_t large[] = { 5000,  16384,  32768,  65535,
                                    65536, 131072, LARGEST };

    return i % 11 == 5 ? large[i / 11 % COUNT(large)]
                       : small[i * 5 / 4 % COUNT(small)];
}

static void send_at_every_level(ws_conn *c, struct sent *sent, z_stream *z,
                                size_t i)
{
    for (int level = -2; level <= 9; level++) {
        assert_int_equal(ws_set_compression_level(c, level), 0);
        for (size_t way = 0; way < COUNT(ways); way++, i++) {
            const uint8_t *data = kinds[i % COUNT(kinds)];
            size_t n = next_size(i);

            assert_int_equal(ways[way](c, data, n), 0);
            inflates_to(z, sent, data, n);
        }
    }
}

/* RFC 7692, section 7.2.1: what is sent need not end a stream, and RFC 1951's
 * last block is what peers trip over. */
static void no_message_ends_the_stream(void **state)
{
    (void)state;
    struct sent *sent = calloc(1, sizeof(*sent));
    size_t i = 0;

    assert_non_null(sent);
    for (int role = 0; role < 2; role++)
        for (int takeover = 0; takeover < 2; takeover++)
            for (int bits = 9; bits <= 15; bits++, i += 50) {
                struct ws__setup setup = {
                    .client = role,
                    .deflate = { .on = true,
                                 .server_takeover = takeover,
                                 .client_takeover = takeover,
                                 .server_bits = bits,
                                 .client_bits = bits },
                };
                z_stream z = { 0 };
                int raw;

                assert_int_equal(inflateInit2(&z, -bits), Z_OK);
                ws_conn *c = with_sent(sent, &raw, &setup);
                send_at_every_level(c, sent, &z, i);
                inflateEnd(&z);
                close(raw);
                ws_close(c);
                sent->len = 0;
            }
    free(sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_message_ends_the_stream),
    };

    return run_in_mode("message", tests, make_kinds, free_kinds);
}
