/* SPDX-License-Identifier: MIT */

#include "redis_mock.h"

/* ---- Servers ------------------------------------------------------------ */

/* arg: its role.  GET is answered with its name. */
static void server_answer(struct mock *m, const char *line, char *out,
                          size_t cap)
{
    const char *role = m->arg;

    if (strcmp(line, "ROLE") == 0)
        snprintf(out, cap, "*1\r\n$%zu\r\n%s\r\n", strlen(role), role);
    else if (strncmp(line, "GET ", 4) == 0)
        snprintf(out, cap, "+%s\r\n", m->name);
    else
        mock_subscribes(m, line, out, cap);
}

static void sentinel_answer(struct mock *m, const char *line, char *out,
                            size_t cap)
{
    if (strcmp(line, "SENTINEL GET-MASTER-ADDR-BY-NAME mine") == 0)
        snprintf(out, cap, "%s", (const char *)m->arg);
    else
        mock_subscribes(m, line, out, cap);
}

/* The one with a password, which is "pw". */
static void guarded_answer(struct mock *m, const char *line, char *out,
                           size_t cap)
{
    if (strcmp(line, "AUTH pw") == 0)
        m->now->asking = true;
    if (m->now->asking && strcmp(line, "AUTH pw") == 0)
        snprintf(out, cap, "+OK\r\n");
    else if (!m->now->asking)
        snprintf(out, cap, "-NOAUTH Authentication required.\r\n");
    else
        sentinel_answer(m, line, out, cap);
}

static void open_answer(struct mock *m, const char *line, char *out, size_t cap)
{
    if (strcmp(line, "AUTH pw") == 0)
        snprintf(out, cap, "+OK\r\n");
    else
        server_answer(m, line, out, cap);
}

static char *address_of(const struct mock *m)
{
    static char text[2][64];
    static int next;
    char port[8];
    char *out = text[next++ % 2];

    snprintf(port, sizeof(port), "%u", m->port);
    snprintf(out, sizeof(text[0]), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
             strlen(port), port);
    return out;
}

static void set(struct mock *m, void *arg)
{
    pthread_mutex_lock(&m->lock);
    m->arg = arg;
    pthread_mutex_unlock(&m->lock);
}

static void begin_in(struct redis_peer *p, const char *user, unsigned first,
                     unsigned second, struct redis_times t)
{
    char url[128];

    snprintf(url, sizeof(url),
             "redis+sentinel://%s127.0.0.1:%u,127.0.0.1:%u/mine", user, first,
             second);
    redis_init(p);
    redis_begin_url(p, url, t);
}

static void begin(struct redis_peer *p, const char *user, unsigned first,
                  unsigned second)
{
    begin_in(p, user, first, second, (struct redis_times){ 0 });
}

/* A server, and one Sentinel that tells of it. */
static void begin_one(struct mock *server, struct mock *one,
                      struct redis_peer *p, const char *user)
{
    mock_begin(server);
    one->arg = address_of(server);
    mock_begin(one);
    begin(p, user, one->port, one->port);
}

static void end_one(struct mock *server, struct mock *one, struct redis_peer *p)
{
    redis_end(p);
    mock_end(one);
    mock_end(server);
}

/* A server, and two Sentinels, of which the second alone knows it; a key has been
 * asked for. */
struct three {
    struct mock server;
    struct mock one;
    struct mock two;
};

static void begin_three(struct three *t, struct redis_peer *p)
{
    struct redis_asked a = { 0 };

    *t = (struct three){
        .server = { .name = "it", .answer = server_answer, .arg = "master" },
        .one = { .answer = sentinel_answer, .arg = "*-1\r\n" },
        .two = { .answer = sentinel_answer }
    };
    mock_begin(&t->server);
    mock_begin(&t->one);
    t->two.arg = address_of(&t->server);
    mock_begin(&t->two);
    begin(p, "", t->one.port, t->two.port);
    redis_ask(&a, p, "GET a", 0);
    redis_expect(&a, "it");
}

static void end_three(struct three *t, struct redis_peer *p)
{
    redis_end(p);
    mock_end(&t->one);
    mock_end(&t->two);
    mock_end(&t->server);
}

/* ---- Cases -------------------------------------------------------------- */

static void the_first_that_knows_is_believed(void **state)
{
    struct three t;
    struct redis_peer p;

    (void)state;
    begin_three(&t, &p);
    assert_true(mock_was_asked(&t.one, "SENTINEL"));
    assert_true(mock_was_asked(&t.server, "ROLE;GET a;"));
    end_three(&t, &p);
}

static void one_that_is_gone_is_passed_over(void **state)
{
    struct mock server = { .name = "it",
                           .answer = server_answer,
                           .arg = "master" };
    struct mock gone = { .answer = sentinel_answer };
    struct mock two = { .answer = sentinel_answer };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    mock_begin(&server);
    mock_begin(&gone);
    two.arg = address_of(&server);
    mock_begin(&two);
    mock_end(&gone);
    begin(&p, "", gone.port, two.port);
    redis_ask(&a, &p, "GET a", 0);
    redis_expect(&a, "it");
    mock_expect_asked(&two, "SUBSCRIBE +switch-master");
    redis_end(&p);
    mock_end(&two);
    mock_end(&server);
}

/* Some time after it was asked, however little the caller has left. */
static void slow_answer(struct mock *m, const char *line, char *out, size_t cap)
{
    ws_sleep(20);
    sentinel_answer(m, line, out, cap);
}

/* The first one takes connections, and says nothing. */
static void one_that_is_silent_leaves_time_for_the_next(void **state)
{
    struct mock server = { .name = "it",
                           .answer = server_answer,
                           .arg = "master" };
    struct mock silent = { 0 }, two = { .answer = slow_answer };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    mock_begin(&server);
    mock_listen(&silent);
    two.arg = address_of(&server);
    mock_begin(&two);
    begin_in(&p, "", silent.port, two.port,
             (struct redis_times){ .connect_ms = 1000 });
    redis_ask(&a, &p, "GET a", 20 * 1000);
    redis_expect(&a, "it");
    redis_end(&p);
    close(silent.listener);
    mock_end(&two);
    mock_end(&server);
}

static size_t times_asked(struct mock *m, const char *part)
{
    size_t n = 0;

    pthread_mutex_lock(&m->lock);
    for (const char *at = m->asked; (at = strstr(at, part)); at++)
        n++;
    pthread_mutex_unlock(&m->lock);
    return n;
}

static void expect_times_asked(struct mock *m, const char *part, size_t n)
{
    int64_t until = patience();

    while (times_asked(m, part) < n) {
        assert_true(ws_now() < until);
        ws_sleep(1);
    }
    assert_int_equal(times_asked(m, part), n);
}

/* Twice to begin with: where the master is, and, once the switches are heard of,
 * whether it has been another one since. */
static void the_one_that_knew_is_asked_first(void **state)
{
    struct three t;
    struct redis_peer p;

    (void)state;
    begin_three(&t, &p);
    expect_times_asked(&t.two, "SENTINEL", 2);
    size_t before = times_asked(&t.one, "SENTINEL");
    mock_push(&t.one, "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n"
                      "$5\r\nother\r\n");
    expect_times_asked(&t.two, "SENTINEL", 3);
    assert_int_equal(times_asked(&t.one, "SENTINEL"), before);
    end_three(&t, &p);
}

static void a_master_that_is_none_is_left(void **state)
{
    struct mock server = { .name = "it",
                           .answer = server_answer,
                           .arg = "slave" };
    struct mock one = { .answer = sentinel_answer };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    begin_one(&server, &one, &p, "");
    redis_ask(&a, &p, "GET a", 0);
    mock_expect_asked(&server, "ROLE;ROLE;");
    assert_false(mock_was_asked(&server, "GET"));
    set(&server, "master");
    redis_expect(&a, "it");
    end_one(&server, &one, &p);
}

/* While the old one lives, and still takes itself for the master. */
static void a_switch_is_heard_of(void **state)
{
    struct mock old = { .name = "old",
                        .answer = server_answer,
                        .arg = "master" };
    struct mock new = { .name = "new",
                        .answer = server_answer,
                        .arg = "master" };
    struct mock one = { .answer = sentinel_answer };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    mock_begin(&new);
    begin_one(&old, &one, &p, "");
    assert_int_equal(ws__redis_subscribe(p.client, ws__str("room")), 0);
    redis_ask(&a, &p, "GET a", 0);
    redis_expect(&a, "old");
    redis_expect_heard(&p, "subscribed room;");
    mock_expect_asked(&one, "SUBSCRIBE +switch-master");

    set(&one, address_of(&new));
    mock_push(&one, "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n"
                    "$5\r\nmine \r\n");
    redis_expect_heard(&p, "subscribed room;lost room;subscribed room;");
    redis_ask(&a, &p, "GET a", 0);
    redis_expect(&a, "new");
    end_one(&old, &one, &p);
    mock_end(&new);
}

/* Also that of another master, which is nothing to us. */
static void a_switch_of_nothing_changes_nothing(void **state)
{
    struct mock server = { .name = "it",
                           .answer = server_answer,
                           .arg = "master" };
    struct mock one = { .answer = sentinel_answer };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    begin_one(&server, &one, &p, "");
    redis_ask(&a, &p, "GET a", 0);
    redis_expect(&a, "it");
    mock_expect_asked(&one, "SUBSCRIBE +switch-master");
    pthread_mutex_lock(&one.lock);
    one.asked[0] = '\0';
    pthread_mutex_unlock(&one.lock);
    mock_push(&one, "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n"
                    "$5\r\nother\r\n");
    mock_expect_asked(&one, "SENTINEL");
    redis_ask(&a, &p, "GET a", 0);
    redis_expect(&a, "it");
    assert_false(mock_was_asked(&server, "ROLE;GET a;ROLE"));
    end_one(&server, &one, &p);
}

/* A Sentinel that has none hangs up here on who says one. */
static void a_password_is_for_who_asks_for_it(void **state)
{
    (void)state;
    for (int guarded = 0; guarded < 2; guarded++) {
        struct mock server = { .name = "it",
                               .answer = open_answer,
                               .arg = "master" };
        struct mock one = { .answer =
                                guarded ? guarded_answer : sentinel_answer };
        struct redis_asked a = { 0 };
        struct redis_peer p;

        begin_one(&server, &one, &p, ":pw@");
        redis_ask(&a, &p, "GET a", 0);
        redis_expect(&a, "it");
        assert_true(mock_was_asked(&server, "AUTH pw;ROLE;"));
        mock_expect_asked(&one, "SUBSCRIBE +switch-master");
        assert_int_equal(mock_was_asked(&one, "AUTH"), guarded);
        end_one(&server, &one, &p);
    }
}

static void what_is_no_address_is_named(void **state)
{
    static const struct {
        const char *answer;
        const char *said;
    } rows[] = {
        { "*-1\r\n", "no master of the name mine" },
        { "-ERR no idea\r\n", "Sentinel says: ERR no idea" },
        { "+OK\r\n", "what is no address" },
        { "*0\r\n", "what is no address" },
        { "*1\r\n$1\r\na\r\n", "what is no address" },
        { "*2\r\n$1\r\na\r\n$1\r\n0\r\n", "what is no address" },
        { "*2\r\n$1\r\na\r\n$5\r\n65536\r\n", "what is no address" },
        { "*2\r\n$1\r\n\n\r\n$1\r\n1\r\n", "what is no address" },
        { "*2\r\n$0\r\n\r\n$1\r\n1\r\n", "what is no address" },
        { "*2\r\n*0\r\n*0\r\n", "what is no address" },
        { "", "it was closed" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mock one = { .answer = sentinel_answer,
                            .arg = (void *)rows[i].answer };
        struct redis_asked a = { 0 };
        struct redis_peer p;

        mock_begin(&one);
        begin(&p, "", one.port, one.port);
        for (int ms = 20;; ms *= 2) {
            redis_ask(&a, &p, "GET a", ms);
            ws_join(a.fiber);
            assert_int_equal(a.code, WS_ERR_TIMEOUT);
            assert_false(a.done);
            if (strstr(a.err.text, rows[i].said))
                break;
            if (ms > 5000)
                fail_msg("%s: %s", rows[i].answer, a.err.text);
        }
        redis_end(&p);
        mock_end(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_knows_is_believed),
        cmocka_unit_test(one_that_is_gone_is_passed_over),
        cmocka_unit_test(one_that_is_silent_leaves_time_for_the_next),
        cmocka_unit_test(the_one_that_knew_is_asked_first),
        cmocka_unit_test(a_master_that_is_none_is_left),
        cmocka_unit_test(a_switch_is_heard_of),
        cmocka_unit_test(a_switch_of_nothing_changes_nothing),
        cmocka_unit_test(a_password_is_for_who_asks_for_it),
        cmocka_unit_test(what_is_no_address_is_named),
    };

    alloc_fail_install();
    return run_in_mode("redis_sentinel", tests, NULL, NULL);
}
