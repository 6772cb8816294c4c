/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdatomic.h>

#include <silverback.h>

#include "alloc_fail.h"
#include "mode.h"
#include "peer.h"
#include "scripted.h"

#define AGREED                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"               \
    "Connection: Upgrade\r\nSec-WebSocket-Accept: $A\r\n\r\n"
#define REFUSED(status, fields)                                                \
    "HTTP/1.1 " #status " No\r\nContent-Length: 0\r\n" fields "\r\n"
#define URL "ws://scripted.test/feed"

enum { SCRIPTS = 8 };

/* A server that says something else to each dial.  The next one is let in when
 * the last has ended its connection: so there are never two. */
static struct host {
    struct scripted scripts[SCRIPTS];
    unsigned dials;
    unsigned refusals;
    ws_event *set_at_end; /* when the first of them has ended; may be NULL */
    ws_fiber *waits;      /* for that */
} host;

static ws_redial *r;

static int see_the_first_end(void *arg)
{
    struct scripted *s = arg;

    s->called = false; /* nobody else is to wait for it */
    return pthread_join(s->thread, NULL);
}

/* Then, after a while in which there could be another dial, the event. */
static void set_at_end(void *arg)
{
    struct host *h = arg;

    ws_blocking(see_the_first_end, &h->scripts[0]);
    ws_sleep(20);
    ws_event_set(h->set_at_end);
}

static int connect_to_host(const char *name, const char *port, int64_t deadline,
                           void *arg)
{
    struct host *h = arg;

    if (h->dials > 0)
        scripted_end(&h->scripts[h->dials - 1]);
    if (!h->scripts[h->dials].answer && ++h->refusals > SCRIPTS)
        fail_msg("it is dialed again and again");
    if (!h->scripts[h->dials].answer)
        return -ECONNREFUSED;
    int fd = scripted_connect(name, port, deadline, &h->scripts[h->dials++]);
    if (h->set_at_end && h->dials == 1)
        h->waits = ws_go(set_at_end, h);
    return fd;
}

static const ws_dialer dialer = { .connect = connect_to_host, .arg = &host };

static int reset(void **state)
{
    (void)state;
    host = (struct host){ 0 };
    return 0;
}

static int end(void **state)
{
    (void)state;
    ws_redial_free(r);
    r = NULL;
    ws_join(host.waits);
    if (host.dials > 0)
        scripted_end(&host.scripts[host.dials - 1]);
    return 0;
}

/* What is asked for without waiting. */
static void redial_by(ws_redialer how)
{
    static ws_redialer kept;

    kept = how;
    kept.url = how.url ? how.url : URL;
    kept.dialer = how.dialer ? how.dialer : &dialer;
    kept.base_delay_ms = how.base_delay_ms ? how.base_delay_ms : -1;
    r = ws_redial_new(&kept);
    assert_non_null(r);
    assert_int_equal(ws_redial_error(r)->code, 0);
}

static void assert_over(int code, const char *text)
{
    for (int i = 0; i < 2; i++) {
        assert_null(ws_redial_next(r));
        assert_int_equal(ws_redial_error(r)->code, code);
        assert_non_null(strstr(ws_redial_error(r)->text, text));
    }
}

static void read_to_the_end(ws_conn *c, int error)
{
    ws_message m;

    ws_set_read_deadline(c, ws_after(PATIENCE_S * 1000));
    assert_int_equal(ws_read_message(c, &m), error);
}

/* ---- Coming back --------------------------------------------------------- */

static int stop_after_three(ws_redial_attempt *a, void *arg)
{
    (void)a;
    return ++*(int *)arg > 3 ? -EXDEV : 0;
}

static void it_comes_back_whenever_the_connection_ends(void **state)
{
    (void)state;
    int asked = 0;
    redial_by((ws_redialer){ .resume = stop_after_three, .arg = &asked });

    for (int i = 0; i < 3; i++)
        host.scripts[i].answer = AGREED;
    for (int i = 0; i < 3; i++) {
        ws_conn *c = ws_redial_next(r);
        assert_non_null(c);
        assert_int_equal(ws_redial_error(r)->code, 0);
        read_to_the_end(c, WS_ERR_EOF);
    }
    assert_over(-EXDEV, ws_strerror(-EXDEV));
    assert_int_equal(host.dials, 3);
}

static void what_may_change_is_tried_again(void **state)
{
    (void)state;
    redial_by((ws_redialer){ 0 });

    host.scripts[0].answer = REFUSED(503, );
    host.scripts[1].answer = REFUSED(429, "Retry-After: 0\r\n");
    host.scripts[2].answer = REFUSED(408, );
    host.scripts[3].answer = "";
    host.scripts[4].answer = AGREED;
    assert_non_null(ws_redial_next(r));
    assert_int_equal(host.dials, 5);
}

static void what_will_not_change_ends_it(void **state)
{
    (void)state;
    redial_by((ws_redialer){ 0 });

    host.scripts[0].answer = REFUSED(503, );
    host.scripts[1].answer = REFUSED(404, );
    host.scripts[2].answer = AGREED;
    assert_null(ws_redial_next(r));
    assert_int_equal(ws_redial_error(r)->http_status, 404);
    assert_over(WS_ERR_HANDSHAKE, "no WebSocket at this path");
    assert_int_equal(host.dials, 2);
}

static void what_is_no_url_ends_it(void **state)
{
    (void)state;

    redial_by((ws_redialer){ .url = "http://x/" });
    assert_over(WS_ERR_URL, "URL");
    ws_redial_free(r);
    r = ws_redial_new(&(ws_redialer){ 0 });
    assert_over(WS_ERR_URL, "no URL");
    assert_int_equal(host.dials, 0);
}

static void without_one_there_is_nothing(void **state)
{
    (void)state;

    assert_null(ws_redial_new(NULL));
    assert_null(ws_redial_next(NULL));
    assert_int_equal(ws_redial_error(NULL)->code, WS_ERR_INVALID);
    ws_redial_free(NULL);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;

    alloc_fail_here(true);
    r = ws_redial_new(&(ws_redialer){ .url = URL });
    alloc_fail_here(false);
    assert_null(r);
}

/* ---- Resuming ------------------------------------------------------------ */

static const ws_header token[] = { { "Authorization", "Bearer 2" }, { 0 } };

/* The first dial is refused, the second connection is closed by the server. */
static int look_back(ws_redial_attempt *a, void *arg)
{
    static const struct {
        unsigned failures;
        int code, status, close_code;
        bool hopeless;
    } rows[] = {
        { 0, 0, 0, 0, false },
        { 1, WS_ERR_HANDSHAKE, 401, 0, true },
        { 2, WS_ERR_CLOSED, 0, 1012, false },
    };
    int i = (*(int *)arg)++;

    assert_int_equal(a->failures, rows[i].failures);
    assert_int_equal(a->error->code, rows[i].code);
    assert_int_equal(a->close_code, rows[i].close_code);
    assert_int_equal(a->hopeless, rows[i].hopeless);
    assert_int_equal(a->response ? a->response->status : 0, rows[i].status);
    if (i == 1)
        assert_string_equal(ws_header_get(a->response->headers, "X-Why"),
                            "token");
    assert_string_equal(a->url, URL);
    assert_null(a->headers);
    a->hopeless = false;
    a->headers = i == 1 ? token : NULL;
    a->url = i == 2 ? URL "?from=7" : URL;
    return 0;
}

static void resume_sees_what_was_and_says_how_to_go_on(void **state)
{
    (void)state;
    static const char closes[] = { (char)0x88, 2, 0x03, (char)0xf4 };
    int asked = 0;
    redial_by((ws_redialer){ .resume = look_back, .arg = &asked });

    host.scripts[0].answer = REFUSED(401, "X-Why: token\r\n");
    host.scripts[1].answer = AGREED;
    host.scripts[1].behind = closes;
    host.scripts[1].behind_len = sizeof(closes);
    host.scripts[2].answer = AGREED;
    read_to_the_end(ws_redial_next(r), WS_ERR_CLOSED);
    assert_non_null(ws_redial_next(r));
    assert_int_equal(asked, 3);
    assert_null(strstr(host.scripts[0].request, "Authorization"));
    assert_non_null(strstr(host.scripts[1].request, "Authorization: Bearer 2"));
    assert_null(strstr(host.scripts[2].request, "Authorization"));
    assert_non_null(strstr(host.scripts[1].request, "GET /feed HTTP"));
    assert_non_null(strstr(host.scripts[2].request, "GET /feed?from=7 HTTP"));
}

static int look_on(ws_redial_attempt *a, void *arg)
{
    (void)a;
    ++*(int *)arg;
    return 0;
}

static void what_is_hopeless_stays_so_unless_resume_says_otherwise(void **state)
{
    (void)state;
    int asked = 0;
    redial_by((ws_redialer){ .resume = look_on, .arg = &asked });

    host.scripts[0].answer = REFUSED(403, );
    assert_over(WS_ERR_HANDSHAKE, "403");
    assert_int_equal(asked, 2);
    assert_int_equal(host.dials, 1);
}

/* ---- The event ----------------------------------------------------------- */

static void the_event_ends_it_before_it_begins(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    ws_dialer d = dialer;

    d.cancel = &cancel;
    ws_event_set(&cancel);
    redial_by((ws_redialer){ .dialer = &d });
    assert_over(WS_ERR_CANCELED, ws_strerror(WS_ERR_CANCELED));
    assert_int_equal(host.dials, 0);
}

/* An hour that the server asks for is waited for: so nothing is dialed again. */
static void the_event_ends_the_wait_that_the_server_asks_for(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    ws_dialer d = dialer;

    d.cancel = &cancel;
    host.scripts[0].answer = REFUSED(503, "Retry-After: 3600\r\n");
    host.set_at_end = &cancel;
    host.scripts[1].answer = AGREED;
    redial_by((ws_redialer){ .dialer = &d });
    assert_over(WS_ERR_CANCELED, "");
    assert_int_equal(host.dials, 1);
}

static void the_event_ends_the_dial(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    ws_dialer d = dialer;

    d.cancel = &cancel;
    host.scripts[0].answer = "HTTP/1.1";
    host.scripts[0].silent = true;
    host.scripts[0].set = &cancel;
    redial_by((ws_redialer){ .dialer = &d });
    assert_over(WS_ERR_CANCELED, "");
    assert_int_equal(host.dials, 1);
}

/* ---- With a server that stays -------------------------------------------- */

struct visit {
    ws_event over;
    int code; /* the visitor's goodbye */
};

static void receive(ws_conn *c, void *arg)
{
    struct visit *v = arg;
    ws_message m;

    while (ws_read_message(c, &m) == 0)
        continue;
    v->code = ws_close_code(c);
    ws_event_set(&v->over);
}

static struct visit visit;
static ws_listener *l;

static int open_server(void **state)
{
    static const ws_route routes[] = {
        { .path = "/", .socket = receive, .arg = &visit }, { 0 }
    };

    visit = (struct visit){ .code = 0 };
    l = serve((ws_server){ .routes = routes });
    return reset(state);
}

static int close_server(void **state)
{
    end(state);
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static void redial_the_server(const ws_dialer *d)
{
    static char url[128];

    snprintf(url, sizeof(url), "ws://%s/", ws_listener_addr(l));
    redial_by((ws_redialer){ .dialer = d, .url = url });
}

static void assert_goodbye_came(void)
{
    assert_int_equal(ws_event_wait(&visit.over, ws_after(PATIENCE_S * 1000)),
                     0);
    assert_int_equal(visit.code, WS_CLOSE_NORMAL);
}

static void a_connection_that_is_well_is_said_goodbye_to(void **state)
{
    (void)state;
    const ws_dialer plain = { .proxy = "" };

    redial_the_server(&plain);
    assert_non_null(ws_redial_next(r));
    assert_non_null(ws_redial_next(r));
    assert_goodbye_came();
    assert_int_equal(ws_redial_error(r)->code, 0);
    end(state);
}

/* It is not the caller's to close. */
static void a_close_is_left_to_the_next_one(void **state)
{
    (void)state;
    const ws_dialer plain = { .proxy = "" };

    redial_the_server(&plain);
    ws_conn *c = ws_ref(ws_redial_next(r));
    assert_non_null(c);
    ws_close(c);
    assert_int_equal(ws_write_text(c, "still there"), 0);
    assert_non_null(ws_redial_next(r));
    assert_int_equal(ws_write_text(c, "no more"), WS_ERR_CANCELED);
    assert_goodbye_came();
    ws_unref(c);
    end(state);
}

static void set(void *event)
{
    ws_event_set(event);
}

static void the_event_ends_a_read_and_then_all(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    const ws_dialer plain = { .proxy = "", .cancel = &cancel };
    ws_message m;

    redial_the_server(&plain);
    ws_conn *c = ws_redial_next(r);
    assert_non_null(c);
    ws_fiber *f = mode_go(set, &cancel);
    assert_int_equal(
        ws_read_message_by(c, &m, ws_after(PATIENCE_S * 1000), &cancel),
        WS_ERR_INTERRUPTED);
    ws_join(f);
    assert_over(WS_ERR_CANCELED, "");
    assert_goodbye_came();
    end(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, end)
#define TEST_WITH_SERVER(name)                                                 \
    cmocka_unit_test_setup_teardown(name, open_server, close_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_back_whenever_the_connection_ends),
        TEST(what_may_change_is_tried_again),
        TEST(what_will_not_change_ends_it),
        TEST(what_is_no_url_ends_it),
        TEST(without_one_there_is_nothing),
        TEST(without_memory_there_is_none),
        TEST(resume_sees_what_was_and_says_how_to_go_on),
        TEST(what_is_hopeless_stays_so_unless_resume_says_otherwise),
        TEST(the_event_ends_it_before_it_begins),
        TEST(the_event_ends_the_wait_that_the_server_asks_for),
        TEST(the_event_ends_the_dial),
        TEST_WITH_SERVER(a_connection_that_is_well_is_said_goodbye_to),
        TEST_WITH_SERVER(a_close_is_left_to_the_next_one),
        TEST_WITH_SERVER(the_event_ends_a_read_and_then_all),
    };

    alloc_fail_install();
    return run_in_mode("redial", tests, NULL, NULL);
}
