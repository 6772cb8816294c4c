/* SPDX-License-Identifier: MIT */

/* What an upgrader and a dialer say reaches the connection. */

#include "test.h"

#include <stdatomic.h>

#include <silverback.h>

#include "echo.h"
#include "peer.h"
#include "mode.h"
#include "conn/extras.h"

enum { SMALL = 700, HUGE = 16 << 20 };

struct log {
    atomic_int got, put;
    atomic_size_t size;
};

static struct log servers, clients;

static void *get(size_t size, void *arg)
{
    struct log *log = arg;

    log->got++;
    log->size = size;
    return malloc(size);
}

static void put(void *buffer, size_t size, void *arg)
{
    struct log *log = arg;

    (void)size;
    log->put++;
    free(buffer);
}

static const ws_buffer_pool servers_pool = { get, put, &servers };
static const ws_buffer_pool clients_pool = { get, put, &clients };
static const ws_upgrader small = { .read_buffer_size = SMALL,
                                   .write_buffer_size = SMALL,
                                   .write_buffer_pool = &servers_pool };

static ws_event refused;
static int refusal;
static bool asked;

/* More than a socket takes whose other end does not read. */
static void answer_at_length(ws_request *r, void *arg)
{
    static const ws_upgrader hasty = { .handshake_timeout_ms = 50 };
    char *huge = arg;
    const ws_header headers[] = { { "X-Huge", huge }, { 0 } };

    asked = ws_is_upgrade(r);
    ws_conn *c = ws_upgrade(&hasty, r, headers);

    refusal = c ? 0 : r->error.code;
    ws_close(c);
    ws_event_set(&refused);
}

static void buffers_are_as_large_as_said_and_the_pools(void **state)
{
    (void)state;
    const ws_route routes[] = {
        { .path = "/", .socket = echo, .upgrader = &small }, { 0 }
    };
    const ws_dialer d = { .read_buffer_size = SMALL,
                          .write_buffer_size = SMALL,
                          .write_buffer_pool = &clients_pool };
    ws_listener *l = serve((ws_server){ .routes = routes });
    char url[64], text[10 * SMALL];
    ws_error err;
    ws_message m;

    snprintf(url, sizeof(url), "ws://%s/", ws_listener_addr(l));
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    assert_non_null(c);
    memset(text, 'x', sizeof(text));
    for (size_t n = 1; n <= sizeof(text); n *= 10) {
        assert_int_equal(ws_write_message(c, WS_BINARY, text, n), 0);
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_int_equal(m.len, n);
    }
    assert_int_equal(
        ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_S * 1000)), 0);
    ws_close(c);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    for (int i = 0; i < 2; i++) {
        struct log *log = i ? &servers : &clients;
        assert_true(log->got > 0);
        assert_int_equal(log->got, log->put);
        assert_in_range(log->size, SMALL, 2 * SMALL + 1024);
    }
}

static void who_does_not_take_the_answer_in_time_is_given_up(void **state)
{
    (void)state;
    char *huge = malloc(HUGE + 1);

    memset(huge, 'x', HUGE);
    huge[HUGE] = '\0';
    const ws_route routes[] = {
        { .path = "/", .handler = answer_at_length, .arg = huge }, { 0 }
    };
    ws_listener *l = serve((ws_server){ .routes = routes });
    int fd = call(l);

    say(fd,
        "GET / HTTP/1.1" SERVED "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    assert_int_equal(ws_event_wait(&refused, ws_after(PATIENCE_S * 1000)), 0);
    assert_true(asked);
    assert_int_equal(refusal, WS_ERR_TIMEOUT);
    close(fd);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    free(huge);
}

static const ws_upgrader limited = { .read_limit = 11,
                                     .write_timeout_ms = 22,
                                     .ping_interval_ms = 33,
                                     .min_read_rate = 44 };
static const ws_dialer limiting = { .read_limit = 55,
                                    .write_timeout_ms = 66,
                                    .ping_interval_ms = 77,
                                    .min_read_rate = 88 };

static void expect_limits(const struct ws__extras *x, int first)
{
    assert_int_equal(x->read_limit, first);
    assert_int_equal(x->write_timeout_ms, first + 11);
    assert_int_equal(x->ping_interval_ms, first + 22);
    assert_int_equal(x->min_read_rate, first + 33);
}

static struct ws__extras seen;

static void note_extras(ws_conn *c, void *arg)
{
    (void)arg;
    seen = *ws__extras(c);
}

static void limits_are_those_that_were_set(void **state)
{
    (void)state;
    const ws_route routes[] = {
        { .path = "/", .socket = note_extras, .upgrader = &limited }, { 0 }
    };
    ws_listener *l = serve((ws_server){ .routes = routes });
    char url[64];
    ws_error err;

    snprintf(url, sizeof(url), "ws://%s/", ws_listener_addr(l));
    ws_conn *c = ws_dial(&limiting, url, NULL, NULL, &err);
    assert_non_null(c);
    expect_limits(ws__extras(c), 55);
    ws_close(c);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    expect_limits(&seen, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_are_as_large_as_said_and_the_pools),
        cmocka_unit_test(who_does_not_take_the_answer_in_time_is_given_up),
        cmocka_unit_test(limits_are_those_that_were_set),
    };

    return run_in_mode("settings", tests, NULL, NULL);
}
