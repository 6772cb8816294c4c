/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include <zlib.h>

#include "alloc_fail.h"
#include "mode.h"

static ws_prepared *prepare(ws_type type, const void *data, size_t n)
{
    ws_prepared *p = ws_prepare(type, data, n);

    assert_non_null(p);
    return p;
}

/* All that lies ready, for free(). */
static uint8_t *hear_all(int raw, size_t *n)
{
    *n = (size_t)ready(raw);
    uint8_t *p = malloc(*n + 1);

    assert_true(hear_n(raw, p, *n));
    return p;
}

/* ---- Bytes on the wire -------------------------------------------------- */

/* A server's bytes are the same, whichever way they went. */
static void compare(int raw, ws_conn *c, ws_type type, const char *text,
                    size_t n)
{
    ws_prepared *p = prepare(type, text, n);
    size_t want_n, n1, n2;

    assert_int_equal(ws_write_message(c, type, text, n), 0);
    uint8_t *want = hear_all(raw, &want_n);
    assert_int_equal(ws_write_prepared(c, p), 0);
    uint8_t *first = hear_all(raw, &n1);
    assert_int_equal(ws_write_prepared(c, p), 0);
    uint8_t *second = hear_all(raw, &n2);
    assert_int_equal(n1, want_n);
    assert_memory_equal(first, want, want_n);
    assert_int_equal(n2, want_n);
    assert_memory_equal(second, want, want_n);
    free(want);
    free(first);
    free(second);
    ws_prepared_free(p);
}

static void a_server_sends_the_bytes_of_a_message(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 125, 126, 5000, 65535, 65536 };
    char *text = make_text(65536);

    for (int compression = 0; compression < 2; compression++)
        for (int level = -2; level <= 9; level++) {
            int raw;
            ws_conn *c =
                with_raw(&raw, &(ws_adoption){ .compression = compression });

            assert_int_equal(ws_set_compression_level(c, level), 0);
            for (size_t i = 0; i < COUNT(sizes); i++) {
                compare(raw, c, WS_TEXT, text, sizes[i]);
                compare(raw, c, WS_BINARY, text, sizes[i]);
            }
            compare(raw, c, WS_PING, text, 125);
            compare(raw, c, WS_PONG, text, 0);
            close(raw);
            ws_close(c);
        }
    free(text);
}

static void a_client_masks_each_copy_anew(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1000, 100000 };
    char *text = make_text(100000);

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct heard one, two;
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = true });
        ws_prepared *p = prepare(WS_TEXT, text, sizes[i]);

        assert_int_equal(ws_write_prepared(c, p), 0);
        assert_true(hear_frame(raw, &one));
        assert_int_equal(ws_write_prepared(c, p), 0);
        assert_true(hear_frame(raw, &two));
        assert_true(one.f.masked && two.f.masked);
        assert_memory_not_equal(one.f.key, two.f.key, 4);
        assert_int_equal(one.f.len, sizes[i]);
        assert_memory_equal(one.payload, text, sizes[i]);
        assert_int_equal(two.f.len, sizes[i]);
        assert_memory_equal(two.payload, text, sizes[i]);
        free(one.payload);
        free(two.payload);
        ws_prepared_free(p);
        close(raw);
        ws_close(c);
    }
    free(text);
}

static void the_data_is_copied(void **state)
{
    (void)state;
    char data[] = "before";
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_prepared *p = prepare(WS_TEXT, data, 6);

    memcpy(data, "AFTER!", 6);
    assert_int_equal(ws_write_prepared(c, p), 0);
    assert_true(hear_frame(raw, &h));
    assert_string_equal(h.payload, "before");
    free(h.payload);
    ws_prepared_free(p);
    close(raw);
    ws_close(c);
}

static void what_cannot_be_sent_is_not_prepared(void **state)
{
    (void)state;
    char *text = make_text(126);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_null(ws_prepare(WS_PING, text, 126));
    assert_null(ws_prepare(WS_PONG, text, 126));
    assert_null(ws_prepare(WS_CLOSE, text, 126));
    assert_null(ws_prepare((ws_type)3, text, 1));
    assert_null(ws_prepare((ws_type)0, text, 1));
    assert_null(ws_prepare(WS_TEXT, NULL, 1));
    assert_int_equal(ws_write_prepared(c, NULL), WS_ERR_INVALID);
    ws_prepared *p = prepare(WS_CLOSE, "\3\xed", 2); /* 1005 */
    assert_int_equal(ws_write_prepared(NULL, p), WS_ERR_INVALID);
    assert_int_equal(ws_write_prepared(c, p), WS_ERR_INVALID);
    assert_int_equal(ready(raw), 0);
    ws_prepared_free(p);
    ws_prepared_free(NULL);
    free(text);
    close(raw);
    ws_close(c);
}

static void a_prepared_close_ends_writing(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_prepared *bye = prepare(WS_CLOSE, "\3\xe8", 2);
    ws_prepared *text = prepare(WS_TEXT, "late", 4);

    assert_int_equal(ws_write_prepared(c, bye), 0);
    assert_int_equal(ws_write_prepared(c, text), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_write_prepared(c, bye), WS_ERR_CLOSE_SENT);
    hear_close(raw, 1000);
    ws_prepared_free(bye);
    ws_prepared_free(text);
    close(raw);
    ws_close(c);
}

static void it_does_not_break_into_a_message_in_pieces(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_prepared *p = prepare(WS_TEXT, "whole", 5);

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write_prepared(c, p), WS_ERR_BUSY);
    assert_int_equal(ws_end_message(c), 0);
    assert_int_equal(ws_write_prepared(c, p), 0);
    ws_prepared_free(p);
    close(raw);
    ws_close(c);
}

/* ---- Compression -------------------------------------------------------- */

static void it_is_compressed_once_for_each_level(void **state)
{
    (void)state;
    char *text = make_text(3000);
    int raw[2];
    ws_conn *c[2];
    long alive[4];
    ws_prepared *p = prepare(WS_TEXT, text, 3000);

    for (int i = 0; i < 2; i++) {
        c[i] = with_raw(&raw[i], &(ws_adoption){ .compression = true });
        assert_int_equal(ws_write_text(c[i], text), 0); /* fills the pools */
    }
    alive[0] = mode_live();
    uint64_t bytes = counted(WS_COUNT_BYTES_OUT);
    assert_int_equal(ws_write_prepared(c[0], p), 0);
    assert_int_equal(counted(WS_COUNT_BYTES_OUT), bytes + 3000);
    alive[1] = mode_live();
    assert_int_equal(ws_write_prepared(c[0], p), 0);
    assert_int_equal(ws_write_prepared(c[1], p), 0);
    alive[2] = mode_live();
    ws_set_compression_level(c[1], 9);
    assert_int_equal(ws_write_prepared(c[1], p), 0);
    ws_enable_write_compression(c[0], false);
    assert_int_equal(ws_write_prepared(c[0], p), 0);
    alive[3] = mode_live();
    assert_int_equal(alive[1], alive[0] + 1);
    assert_int_equal(alive[2], alive[1]);
    assert_int_equal(alive[3], alive[2] + 1);
    ws_prepared_free(p);
    assert_int_equal(mode_live(), alive[0] - 2); /* and the plain one */
    for (int i = 0; i < 2; i++) {
        close(raw[i]);
        ws_close(c[i]);
    }
    free(text);
}

/* The other end looks back at what came before, so it would not understand a
 * copy that was made for others. */
/* As a peer with so small a window has to: which holds no more than a piece and
 * the window before it. */
static void expect_inflated(const struct heard *h, int bits,
                            const uint8_t *text, size_t n)
{
    z_stream z = { .next_in = (uint8_t *)h->payload,
                   .avail_in = (unsigned)h->f.len };
    uint8_t piece[64];

    assert_int_equal(inflateInit2(&z, -bits), Z_OK);
    for (size_t at = 0; at < n; at += sizeof(piece)) {
        size_t left = n - at < sizeof(piece) ? n - at : sizeof(piece);

        z.next_out = piece;
        z.avail_out = (unsigned)left;
        assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
        assert_int_equal(z.avail_out, 0);
        assert_memory_equal(piece, text + at, left);
    }
    inflateEnd(&z);
}

static void each_window_has_a_frame_of_its_own(void **state)
{
    (void)state;
    static const int bits[] = { 15, 9, 12, 15, 9 };
    enum { APART = 3000 }; /* as far back as only larger ones look */
    uint8_t text[2 * APART];
    uint32_t random = 1;

    for (size_t i = 0; i < sizeof(text); i++) {
        random = random * 1664525 + 1013904223;
        text[i] = i < APART ? (uint8_t)(random >> 24) : text[i - APART];
    }
    ws_prepared *p = prepare(WS_BINARY, text, sizeof(text));
    for (size_t i = 0; i < COUNT(bits); i++) {
        struct heard h;
        int fds[2];

        make_pair(fds);
        ws_conn *c = set_up(
            fds[0], &(struct ws__setup){ .deflate = { .on = true,
                                                      .server_bits = bits[i],
                                                      .client_bits = 15 } });
        assert_int_equal(ws_write_prepared(c, p), 0);
        assert_true(hear_frame(fds[1], &h));
        assert_int_equal(h.first, FIN | RSV1 | WS_BINARY);
        if (bits[i] > 9)
            assert_true(h.f.len < sizeof(text) * 3 / 4);
        expect_inflated(&h, bits[i], text, sizeof(text));
        free(h.payload);
        close(fds[1]);
        ws_close(c);
    }
    ws_prepared_free(p);
}

static void with_takeover_each_connection_compresses_for_itself(void **state)
{
    (void)state;
    const struct ws__deflate_params takeover = { .on = true,
                                                 .server_takeover = true,
                                                 .server_bits = 15,
                                                 .client_bits = 15 };
    char *text = make_text(3000);
    ws_prepared *p = prepare(WS_TEXT, text, 3000);
    ws_message m;
    int fds[2];

    make_pair(fds);
    ws_conn *server =
        set_up(fds[0], &(struct ws__setup){ .deflate = takeover });
    ws_conn *client = set_up(
        fds[1], &(struct ws__setup){ .client = true, .deflate = takeover });
    assert_int_equal(ws_write_text(server, "something before"), 0);
    assert_int_equal(ws_read_message(client, &m), 0);
    assert_int_equal(ws_write_prepared(server, p), 0);
    int first = ready(fds[1]);
    assert_int_equal(ws_read_message(client, &m), 0);
    assert_int_equal(m.len, 3000);
    assert_int_equal(ws_write_prepared(server, p), 0);
    assert_true(ready(fds[1]) < first / 4);
    assert_int_equal(ws_read_message(client, &m), 0);
    assert_int_equal(m.len, 3000);
    assert_memory_equal(m.data, text, 3000);
    ws_prepared_free(p);
    ws_close(client);
    ws_close(server);
    free(text);
}

/* ---- Many at once ------------------------------------------------------- */

enum { WRITERS = 6, LARGE = 2 << 20 };

struct writer {
    ws_conn *c;
    ws_prepared *p;
    int raw;
    int count;
    int error;
    ws_fiber *fiber;
};

static void write_it(void *arg)
{
    struct writer *w = arg;

    for (int i = 0; i < w->count && w->error == 0; i++)
        w->error = ws_write_prepared(w->c, w->p);
}

/* A server's and a client's end, plain and compressed. */
static void begin(struct writer *w, int i, ws_prepared *p, int count)
{
    *w = (struct writer){ .p = p, .count = count };
    w->c = with_raw(
        &w->raw, &(ws_adoption){ .client = i % 2, .compression = i % 3 == 2 });
    w->fiber = mode_go(write_it, w);
    assert_non_null(w->fiber);
}

static void end(struct writer *w)
{
    ws_join(w->fiber);
    assert_int_equal(w->error, 0);
    close(w->raw);
    ws_close(w->c);
}

static char *inflated(const struct heard *h, size_t n)
{
    int fds[2];
    ws_message m;

    make_pair(fds);
    ws_conn *c = adopt(fds[0], &(ws_adoption){ .compression = true });
    uint8_t *bytes = malloc(h->f.len + WS__FRAME_HEADER_MAX);
    size_t size =
        make_frame(bytes, h->first, true, h->payload, (size_t)h->f.len);
    say(fds[1], bytes, size);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(m.len, n);
    char *copy = malloc(n);
    memcpy(copy, m.data, n);
    free(bytes);
    close(fds[1]);
    ws_close(c);
    return copy;
}

static void expect(struct heard *h, const char *text, size_t n)
{
    if (h->first & RSV1) {
        char *plain = inflated(h, n);
        free(h->payload);
        h->payload = plain;
    } else {
        assert_int_equal(h->f.len, n);
    }
    assert_memory_equal(h->payload, text, n);
    free(h->payload);
}

/* Bytes that compress so little that they fill every socket. */
static char *make_noise(size_t n)
{
    char *p = malloc(n + 1);
    uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (char)(x >> 24);
    }
    p[n] = '\0';
    return p;
}

/* Each writer is in the middle of the message when its owner frees it. */
static void those_under_way_keep_its_bytes(void **state)
{
    (void)state;
    char *noise = make_noise(LARGE);
    struct writer w[WRITERS];
    struct heard h;
    ws_prepared *p = prepare(WS_BINARY, noise, LARGE);

    for (int i = 0; i < WRITERS; i++)
        begin(&w[i], i, p, 1);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(ws_wait_fd(w[i].raw, POLLIN, patience()), POLLIN);
    ws_prepared_free(p);
    for (int i = 0; i < WRITERS; i++) {
        assert_true(hear_frame(w[i].raw, &h));
        if (h.first & RSV1)
            free(h.payload); /* read in full; the next test inflates it */
        else
            expect(&h, noise, LARGE);
        end(&w[i]);
    }
    free(noise);
}

static void many_threads_share_one_message(void **state)
{
    (void)state;
    enum { TIMES = 20 };
    char *text = make_text(5000);
    struct writer w[WRITERS];
    struct heard h;
    ws_prepared *p = prepare(WS_TEXT, text, 5000);

    for (int i = 0; i < WRITERS; i++)
        begin(&w[i], i, p, TIMES);
    for (int k = 0; k < TIMES; k++)
        for (int i = 0; i < WRITERS; i++) {
            assert_true(hear_frame(w[i].raw, &h));
            expect(&h, text, 5000);
        }
    for (int i = 0; i < WRITERS; i++)
        end(&w[i]);
    ws_prepared_free(p);
    free(text);
}

/* ---- No memory ---------------------------------------------------------- */

static void a_lack_of_memory_is_told_and_passes(void **state)
{
    (void)state;
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .compression = true });
    bool failed;
    long n = 0;

    ws_set_compression_level(c, 3);
    do {
        alloc_fail_at(++n);
        ws_prepared *p = ws_prepare(WS_TEXT, "abcabcabc", 9);
        int error = p ? ws_write_prepared(c, p) : -ENOMEM;
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        if (p)
            assert_int_equal(ws_write_prepared(c, p), 0);
        for (int i = p ? error == 0 ? 2 : 1 : 0; i > 0; i--) {
            assert_true(hear_frame(raw, &h));
            expect(&h, "abcabcabc", 9);
        }
        ws_prepared_free(p);
    } while (failed);
    assert_true(n > 3);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_sends_the_bytes_of_a_message),
        cmocka_unit_test(a_client_masks_each_copy_anew),
        cmocka_unit_test(the_data_is_copied),
        cmocka_unit_test(what_cannot_be_sent_is_not_prepared),
        cmocka_unit_test(a_prepared_close_ends_writing),
        cmocka_unit_test(it_does_not_break_into_a_message_in_pieces),
        cmocka_unit_test(it_is_compressed_once_for_each_level),
        cmocka_unit_test(each_window_has_a_frame_of_its_own),
        cmocka_unit_test(with_takeover_each_connection_compresses_for_itself),
        cmocka_unit_test(those_under_way_keep_its_bytes),
        cmocka_unit_test(many_threads_share_one_message),
        cmocka_unit_test(a_lack_of_memory_is_told_and_passes),
    };

    alloc_fail_install();
    return run_in_mode("prepared", tests, NULL, NULL);
}
