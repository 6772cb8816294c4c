/* SPDX-License-Identifier: MIT */

/* What a listener knows of its connections, however a shutdown comes in between
 * two steps of one. */

#include "pair.h"

#include "mode.h"
#include "conn/conn.h"
#include "http/session.h"
#include "http/upgrade.h"

enum { SEATS = 3, SEAT = 2 };

static struct ws__registry *g;
static struct ws__session session;
static int raw; /* its peer */

/* One that was accepted. */
static void begin(void)
{
    int fds[2];

    make_pair(fds);
    raw = fds[1];
    memset(&session, 0, sizeof(session));
    ws__nonblocking(fds[0]);
    ws__stream_socket(&session.stream, fds[0]);
    assert_true(ws__session_begin(g, SEAT));
}

static void begin_and_add(void)
{
    begin();
    ws__entry_add(&session.entry, g, SEAT, &session.stay);
}

static void end(void)
{
    ws__stream_fini(&session.stream);
    ws__session_end(g, &session.stay);
    close(raw);
}

/* The connection that takes its place. */
static ws_conn *upgrade(void)
{
    ws_conn *c = ws__conn_new(&session.stream, &(struct ws__setup){ 0 }, NULL);

    assert_non_null(c);
    ws__entry_upgraded(&c->entry, &session.entry);
    return c;
}

static void expect_counted(size_t n)
{
    assert_int_equal(ws__registry_count(g), n);
    for (unsigned i = 0; i < SEATS; i++)
        assert_int_equal(ws__registry_load(g, i), i == SEAT ? n : 0);
}

static bool is_broken(void)
{
    char c;

    return hear_some(raw, &c, 1) == 0;
}

/* ---- Places ------------------------------------------------------------- */

static void a_session_has_a_place_until_it_ends(void **state)
{
    (void)state;
    expect_counted(0);
    begin();
    expect_counted(1);
    ws__entry_add(&session.entry, g, SEAT, &session.stay);
    expect_counted(1);
    ws__entry_remove(&session.entry);
    expect_counted(0);
    end();
}

static void an_upgraded_connection_has_its_sessions_place(void **state)
{
    (void)state;
    begin_and_add();
    ws__entry_withdraw(&session.entry);
    ws_conn *c = upgrade();

    expect_counted(1);
    ws__session_end(g, &session.stay);
    expect_counted(1);
    close(raw); /* so that it need not linger */
    ws_close(c);
    expect_counted(0);
}

static void one_that_is_lost_leaves_its_place(void **state)
{
    (void)state;
    begin_and_add();
    ws__entry_withdraw(&session.entry);
    expect_counted(1);
    ws__entry_lost(&session.entry);
    expect_counted(0);
    end();
}

/* ---- A shutdown --------------------------------------------------------- */

static void a_shutdown_waits_for_the_last_session(void **state)
{
    (void)state;
    begin();
    ws__registry_close(g);
    assert_int_equal(ws__registry_wait(g, 1), WS_ERR_TIMEOUT);
    assert_false(ws__session_begin(g, SEAT));
    expect_counted(1);
    end();
    assert_int_equal(ws__registry_wait(g, patience()), 0);
}

static void a_shutdown_ends_who_is_idle(void **state)
{
    (void)state;
    char byte;

    for (int idle = 0; idle < 2; idle++) {
        begin_and_add();
        assert_true(ws__entry_idle(&session.entry, true));
        if (!idle)
            assert_true(ws__entry_idle(&session.entry, false));
        ws__registry_close(g);
        assert_int_equal(ws__stream_read(&session.stream, &byte, 1),
                         idle ? 0 : -EAGAIN);
        assert_false(ws__entry_idle(&session.entry, true));
        ws__entry_remove(&session.entry);
        end();
        ws__registry_unref(g);
        g = ws__registry_new(SEATS, NULL, &ws__session_ops, &ws__upgraded_ops);
    }
}

static void who_is_handed_over_hears_of_a_shutdown(void **state)
{
    (void)state;
    uint8_t bytes[4];

    begin_and_add();
    ws__entry_withdraw(&session.entry);
    ws__registry_close(g);
    ws_conn *c = upgrade();

    assert_true(hear_n(raw, bytes, sizeof(bytes)));
    assert_memory_equal(bytes, "\x88\x02\x03\xe9", 4);
    ws__session_end(g, &session.stay);
    close(raw);
    ws_close(c);
}

static void who_is_handed_over_behind_its_end_is_broken(void **state)
{
    (void)state;
    ws_message m;

    begin_and_add();
    ws__entry_withdraw(&session.entry);
    ws__registry_break(g);
    ws_conn *c = upgrade();

    assert_true(is_broken());
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    ws__session_end(g, &session.stay);
    ws_close(c);
    close(raw);
}

static void so_is_a_session_that_begins_late(void **state)
{
    (void)state;
    begin();
    ws__registry_break(g);
    ws__entry_add(&session.entry, g, SEAT, &session.stay);
    assert_true(is_broken());
    ws__entry_remove(&session.entry);
    end();
}

static void so_is_all_that_was_there(void **state)
{
    (void)state;
    for (int upgraded = 0; upgraded < 2; upgraded++) {
        begin_and_add();
        if (upgraded)
            ws__entry_withdraw(&session.entry);
        ws_conn *c = upgraded ? upgrade() : NULL;
        ws__registry_break(g);
        assert_true(is_broken());
        if (upgraded) {
            ws__session_end(g, &session.stay);
            ws_close(c);
            close(raw);
        } else {
            ws__entry_remove(&session.entry);
            end();
        }
        ws__registry_unref(g);
        g = ws__registry_new(SEATS, NULL, &ws__session_ops, &ws__upgraded_ops);
    }
}

static ws_conn *begin_upgraded(void)
{
    begin_and_add();
    ws__entry_withdraw(&session.entry);
    ws_conn *c = upgrade();
    ws__session_end(g, &session.stay);
    return c;
}

/* It is freed then. */
static void who_leaves_when_its_turn_comes_is_passed_over(void **state)
{
    (void)state;
    uint8_t bytes[4];
    ws_conn *first = begin_upgraded();
    int first_raw = raw;
    ws_conn *second = begin_upgraded();

    assert_int_equal(ws__registry_close(g), 2);
    close(raw);
    ws_close(second);
    assert_false(ws__registry_close_next(g, 2));
    assert_true(hear_n(first_raw, bytes, sizeof(bytes)));
    assert_memory_equal(bytes, "\x88\x02\x03\xe9", 4);
    close(first_raw);
    ws_close(first);
}

static void the_reason_of_a_goodbye_fits_its_frame(void **state)
{
    (void)state;
    char text[200];
    const char *reason;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    ws__registry_set_goodbye(g, WS_CLOSE_SERVICE_RESTART, text);
    assert_int_equal(ws__registry_goodbye(g, &reason),
                     WS_CLOSE_SERVICE_RESTART);
    assert_int_equal(strlen(reason), 123);
}

/* ---- Who is left -------------------------------------------------------- */

static void eight_routes_are_named_and_the_others_counted(void **state)
{
    (void)state;
    static const char *const routes[] = { "/j", "/i", "/h", "/g", "/f",
                                          "/e", "/d", "/c", "/b", "/a" };
    struct ws__entry entries[COUNT(routes)];
    struct ws__stay stays[COUNT(routes)];
    char text[200];

    for (size_t i = 0; i < COUNT(routes); i++) {
        assert_true(ws__session_begin(g, SEAT));
        ws__entry_add(&entries[i], g, SEAT, &stays[i]);
        stays[i].route = routes[i];
    }
    assert_int_equal(ws__registry_report(g, text, sizeof(text)), 10);
    assert_string_equal(text, "/a 1, /b 1, /c 1, /d 1, /e 1, /f 1, /g 1, /h 1, "
                              "others 2");
    for (size_t i = 0; i < COUNT(routes); i++) {
        ws__entry_remove(&entries[i]);
        ws__session_end(g, &stays[i]);
    }
}

static int make_registry(void **state)
{
    (void)state;
    g = ws__registry_new(SEATS, NULL, &ws__session_ops, &ws__upgraded_ops);
    return g ? 0 : -1;
}

static int leave_registry(void **state)
{
    (void)state;
    ws__registry_unref(g);
    return 0;
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, make_registry, leave_registry)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_has_a_place_until_it_ends),
        TEST(an_upgraded_connection_has_its_sessions_place),
        TEST(one_that_is_lost_leaves_its_place),
        TEST(a_shutdown_waits_for_the_last_session),
        TEST(a_shutdown_ends_who_is_idle),
        TEST(who_is_handed_over_hears_of_a_shutdown),
        TEST(who_is_handed_over_behind_its_end_is_broken),
        TEST(so_is_a_session_that_begins_late),
        TEST(so_is_all_that_was_there),
        TEST(who_leaves_when_its_turn_comes_is_passed_over),
        TEST(the_reason_of_a_goodbye_fits_its_frame),
        TEST(eight_routes_are_named_and_the_others_counted),
    };

    return run_in_mode("registry", tests, NULL, NULL);
}
