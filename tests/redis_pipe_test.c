/* SPDX-License-Identifier: MIT */

#include "redis_peer.h"
#include "slow.h"

#include "fiber/sched.h"
#include "secret.h"

/* ---- Answers ------------------------------------------------------------ */

static void callers_share_a_connection_and_have_their_own_answers(void **state)
{
    struct redis_asked a = { 0 }, b = { 0 }, c = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&a, &p, "ECHO one", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "ECHO one");
    redis_ask(&b, &p, "ECHO two", 0);
    redis_hear(fd, "ECHO two");
    redis_ask(&c, &p, "ECHO three", 0);
    redis_hear(fd, "ECHO three");

    redis_say(fd, "$3\r\none\r\n$3\r\nt");
    redis_expect(&a, "one");
    redis_say(fd, "wo\r\n-ERR three\r\n");
    redis_expect(&b, "two");
    redis_expect(&c, "ERR three");
    redis_end_with(&p, fd);
}

struct large {
    struct redis_peer *peer;
    char *text;
    bool same;
};

enum { LARGE = 300 * 1000, LARGE_CALLS = 8 };

static void ask_large(void *arg)
{
    struct large *l = arg;
    const struct ws__str words[] = { ws__str("ECHO"), { l->text, LARGE } };
    struct ws__redis_reply *reply;

    if (ws__redis_call(l->peer->client,
                       &(struct ws__redis_command){ .n = 2, .words = words },
                       patience(), &reply, NULL, NULL) != 0)
        return;
    l->same = reply->len == LARGE && memcmp(reply->str, l->text, LARGE) == 0;
    ws__redis_reply_free(reply);
}

/* More than goes out at once, and more than a socket takes. */
static void what_is_large_comes_back_whole(void **state)
{
    static const char head[] = "*2\r\n$4\r\nECHO\r\n$300000\r\n";
    struct large calls[LARGE_CALLS];
    ws_fiber *fibers[LARGE_CALLS];
    char *got = malloc(LARGE + 2);
    struct redis_peer p;

    (void)state;
    assert_non_null(got);
    redis_begin(&p);
    for (int i = 0; i < LARGE_CALLS; i++) {
        calls[i] = (struct large){ .peer = &p, .text = make_text(LARGE) };
        calls[i].text[0] = (char)('0' + i);
        fibers[i] = mode_go(ask_large, &calls[i]);
    }
    int fd = redis_greet(&p);
    for (int i = 0; i < LARGE_CALLS; i++) {
        redis_hear_n(fd, head, sizeof(head) - 1);
        assert_true(hear_n(fd, got, LARGE + 2));
        redis_say(fd, "$300000\r\n");
        say(fd, got, LARGE + 2);
    }
    for (int i = 0; i < LARGE_CALLS; i++) {
        ws_join(fibers[i]);
        assert_true(calls[i].same);
        free(calls[i].text);
    }
    free(got);
    redis_end_with(&p, fd);
}

static void a_caller_that_gives_up_leaves_its_place(void **state)
{
    struct redis_asked a = { 0 }, b = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&b, &p, "ECHO first", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "ECHO first");
    redis_say(fd, "+first\r\n");
    redis_expect(&b, "first");

    /* Unless the time was over before it was sent. */
    for (int ms = 50;; ms *= 2) {
        redis_ask(&a, &p, "ECHO late", ms);
        ws_join(a.fiber);
        assert_int_equal(a.code, WS_ERR_TIMEOUT);
        assert_null(a.reply);
        if (a.done)
            break;
    }
    redis_hear(fd, "ECHO late");
    redis_ask(&b, &p, "ECHO two", 0);
    redis_hear(fd, "ECHO two");
    redis_say(fd, "+late\r\n+two\r\n");
    redis_expect(&b, "two");
    redis_end_with(&p, fd);
}

/* ---- Ends --------------------------------------------------------------- */

static void what_was_sent_may_have_been_done_when_it_breaks(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&a, &p, "INCR n", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "INCR n");
    close(fd);
    redis_expect_code(&a, WS_ERR_DEAD, true, "went before it had answered");

    redis_ask(&a, &p, "INCR n", 0);
    fd = redis_greet(&p);
    redis_hear(fd, "INCR n");
    redis_say(fd, "+2\r\n");
    redis_expect(&a, "2");
    redis_end_with(&p, fd);
}

static void what_was_not_sent_waits_for_the_next_connection(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&a, &p, "INCR n", 0);
    for (int i = 0; i < 3; i++)
        close(redis_accept(&p)); /* before it has greeted */
    int fd = redis_greet(&p);
    redis_hear(fd, "INCR n");
    redis_say(fd, "+1\r\n");
    redis_expect(&a, "1");
    redis_end_with(&p, fd);
}

/* Not if the time is up before one has been tried. */
static bool says_that_there_is_no_file(struct redis_peer *p, int ms)
{
    struct redis_asked a = { 0 };

    redis_ask(&a, p, "INCR n", ms);
    redis_expect_code(&a, WS_ERR_TIMEOUT, false, "");
    return strstr(a.err.text, "No such file") && strstr(a.err.text, p->path);
}

static void a_deadline_says_why_there_is_no_connection(void **state)
{
    struct redis_peer p;
    int ms = SLOW_FIRST_MS;

    (void)state;
    redis_begin(&p);
    unlink(p.path);
    while (!says_that_there_is_no_file(&p, ms))
        ms = slow_longer(ms);
    redis_end(&p);
}

/* A reply that breaks the protocol, or that nobody asked for. */
static void what_is_malformed_ends_the_connection(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "*2147483647\r\n",
        "$-7\r\n",
        ":one\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        "$5\r\nhel",
        "+OK",
        "*3\r\n:1\r\n",
    };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        redis_begin(&p);
        redis_ask(&a, &p, "GET a", 0);
        int fd = redis_greet(&p);
        redis_hear(fd, "GET a");
        redis_say(fd, replies[i]);
        shutdown(fd, SHUT_WR);
        redis_expect_code(&a, WS_ERR_DEAD, true, "");
        redis_expect_end(fd);
        redis_end(&p);
    }
    redis_begin(&p);
    redis_ask(&a, &p, "GET a", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "GET a");
    redis_say(fd, "+b\r\n+c\r\n");
    redis_expect(&a, "b");
    redis_expect_end(fd);
    redis_end(&p);
}

static void a_stop_ends_all_that_waits(void **state)
{
    struct redis_asked sent = { 0 }, waits = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&sent, &p, "GET a", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "GET a");
    ws__redis_stop(p.client);
    ws_join(p.running);
    redis_expect_code(&sent, WS_ERR_DEAD, true, "");
    redis_ask(&waits, &p, "GET a", 0);
    redis_expect_code(&waits, WS_ERR_CANCELED, false, "");
    p.running = mode_go(redis_run, &p); /* ends at once */
    redis_end_with(&p, fd);
}

/* ---- Silence ------------------------------------------------------------ */

static void a_server_that_does_not_greet_is_left(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin_with(&p, "", "", (struct redis_times){ .connect_ms = 50 });
    redis_ask(&a, &p, "GET a", 100);
    int fd = redis_accept(&p);
    redis_hear(fd, "PING");
    redis_expect_end(fd);
    redis_expect_code(&a, WS_ERR_TIMEOUT, false, "");
    redis_end(&p);
}

static void a_silent_server_is_asked_and_then_left(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin_with(&p, "", "", (struct redis_times){ .silence_ms = 50 });
    redis_ask(&a, &p, "GET a", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "GET a");
    redis_hear(fd, "PING");
    redis_expect_code(&a, WS_ERR_DEAD, true, "");
    redis_expect_end(fd);
    redis_end(&p);
}

/* A machine may be too busy to answer in time: then the next connection will
 * do. */
static bool answer_pings(int fd, int n)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    char got[sizeof(ping) - 1];

    while (n > 0 && hear_n(fd, got, sizeof(got))) {
        if (memcmp(got, ping, sizeof(got)) == 0)
            n--;
        if (say_some(fd, "+PONG\r\n", 7) != 7)
            return false;
    }
    return n == 0;
}

static void one_that_answers_is_not(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;
    bool answered = false;

    (void)state;
    redis_begin_with(&p, "", "", (struct redis_times){ .silence_ms = 50 });
    while (!answered) {
        redis_ask(&a, &p, "TIME", 0); /* as long as PING */
        int fd = redis_greet(&p);
        answered = answer_pings(fd, 4);
        close(fd);
        ws_join(a.fiber);
        ws__redis_reply_free(a.reply);
    }
    redis_end(&p);
}

enum { SENT_MOST = 2048, BEYOND = 8 };

struct crowd {
    struct redis_peer *peer;
    ws_event there; /* which takes a while under a sanitizer */
    int dead;
    int answered;
};

static void crowd_ask(void *arg)
{
    const struct ws__str words[] = { ws__str("GET"), ws__str("a") };
    struct crowd *c = arg;
    struct ws__redis_reply *reply;
    int r = ws__redis_call(
        c->peer->client, &(struct ws__redis_command){ .n = 2, .words = words },
        0, &reply, NULL, NULL);

    c->dead += r == WS_ERR_DEAD;
    c->answered += r == 0;
    ws__redis_reply_free(reply);
}

static void crowd_run(void *arg)
{
    static ws_fiber *fibers[SENT_MOST + BEYOND];
    struct crowd *c = arg;

    for (int i = 0; i < SENT_MOST + BEYOND; i++)
        assert_non_null(fibers[i] = ws_go(crowd_ask, c));
    ws_event_set(&c->there);
    for (int i = 0; i < SENT_MOST + BEYOND; i++)
        ws_join(fibers[i]);
}

static void crowd_thread(void *arg)
{
    ws_run(crowd_run, arg);
}

static void who_answers_nothing_is_not_given_more_and_more(void **state)
{
    struct redis_peer p;
    struct crowd c = { .peer = &p };

    (void)state;
    redis_begin(&p);
    ws_fiber *t = ws__go_thread(crowd_thread, &c);
    assert_non_null(t);
    assert_int_equal(ws_event_wait(&c.there, 0), 0);
    int fd = redis_greet(&p);
    for (int i = 0; i < SENT_MOST; i++)
        redis_hear(fd, "GET a");
    close(fd);
    fd = redis_greet(&p);
    for (int i = 0; i < BEYOND; i++) {
        redis_hear(fd, "GET a");
        redis_say(fd, "+b\r\n");
    }
    ws_join(t);
    assert_int_equal(c.dead, SENT_MOST);
    assert_int_equal(c.answered, BEYOND);
    redis_end_with(&p, fd);
}

/* ---- Who we are --------------------------------------------------------- */

static void a_user_and_a_database_come_first(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin_with(&p, "me:p%77@", "?db=3", (struct redis_times){ 0 });
    redis_ask(&a, &p, "GET a", 0);
    int fd = redis_accept(&p);
    redis_hear(fd, "AUTH me pw");
    redis_say(fd, "+OK\r\n");
    redis_hear(fd, "PING");
    redis_say(fd, "-NOPERM no such thing as a ping\r\n");
    redis_hear(fd, "SELECT 3");
    redis_say(fd, "+OK\r\n");
    redis_hear(fd, "GET a");
    redis_say(fd, "+b\r\n");
    redis_expect(&a, "b");
    redis_end_with(&p, fd);
}

/* Taken or refused. */
static void a_password_does_not_stay_in_memory(void **state)
{
    static const char *const answers[] = { "+OK\r\n", "-WRONGPASS no\r\n" };

    (void)state;
    atomic_store(&secret, "$8\r\nhunter22\r\n");
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct redis_asked a = { 0 };
        struct redis_peer p;

        redis_begin_with(&p, "me:hunter22@", "", (struct redis_times){ 0 });
        redis_ask(&a, &p, "GET a", 0);
        int fd = redis_accept(&p);
        redis_hear(fd, "AUTH me hunter22");
        redis_say(fd, answers[i]);
        if (i == 0)
            redis_hear(fd, "PING");
        else
            redis_expect_end(fd);
        ws__redis_stop(p.client);
        redis_expect_code(&a, WS_ERR_CANCELED, false, "");
        redis_end(&p);
        if (i == 0)
            close(fd);
        assert_false(atomic_load(&secret_left));
    }
    atomic_store(&secret, NULL);
}

static void who_is_refused_is_told_so(void **state)
{
    static const struct {
        const char *user;
        const char *query;
        const char *hear[2];
        const char *say[2];
        const char *said;
    } rows[] = {
        { ":pw@", "", { "AUTH pw" }, { "-WRONGPASS no\r\n" }, "WRONGPASS no" },
        { ":hunter22@",
          "",
          { "AUTH hunter22" },
          { "-ERR unknown command, with args beginning with: 'hunter22'\r\n" },
          "AUTH: ERR unknown command, with args beginning with: '" },
        { "", "", { "PING" }, { "-NOAUTH no\r\n" }, "NOAUTH no" },
        { "", "", { "PING" }, { "-ERR max clients\r\n" }, "ERR max clients" },
        { "",
          "?db=1",
          { "PING", "SELECT 1" },
          { "+PONG\r\n", "-ERR no\r\n" },
          "SELECT: ERR no" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct redis_asked a = { 0 }, b = { 0 };
        struct redis_peer p;

        redis_begin_with(&p, rows[i].user, rows[i].query,
                         (struct redis_times){ 0 });
        redis_ask(&a, &p, "GET a", 0);
        int fd = redis_accept(&p);
        for (int turn = 0; turn < 2 && rows[i].hear[turn]; turn++) {
            redis_hear(fd, rows[i].hear[turn]);
            redis_say(fd, rows[i].say[turn]);
        }
        redis_expect_end(fd);
        fd = redis_accept(&p); /* and does not get any further */
        redis_ask(&b, &p, "GET b", 1);
        redis_expect_code(&b, WS_ERR_TIMEOUT, false, rows[i].said);
        assert_null(strstr(b.err.text, "hunt"));
        ws__redis_stop(p.client);
        redis_expect_code(&a, WS_ERR_CANCELED, false, "");
        redis_end_with(&p, fd);
    }
}

/* ---- Answers that pass -------------------------------------------------- */

/* As long as it is asked for. */
static void answer_loading(struct redis_asked *a, int fd)
{
    while (!atomic_load(&a->over)) {
        if (ws_wait_fd(fd, POLLIN, ws_after(1)) < 0)
            continue;
        redis_hear(fd, "GET a");
        redis_say(fd, "-LOADING for ever\r\n");
    }
    ws_join(a->fiber);
}

static void a_passing_error_is_tried_again(void **state)
{
    static const char *const errors[] = { "-LOADING x\r\n", "-BUSY x\r\n",
                                          "-TRYAGAIN x\r\n",
                                          "-CLUSTERDOWN x\r\n" };
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&a, &p, "GET a", 0);
    int fd = redis_greet(&p);
    for (size_t i = 0; i < COUNT(errors); i++) {
        redis_hear(fd, "GET a");
        redis_say(fd, errors[i]);
    }
    redis_hear(fd, "GET a");
    redis_say(fd, "-ERR this one stays\r\n");
    redis_expect(&a, "ERR this one stays");

    redis_ask(&a, &p, "GET a", 200);
    answer_loading(&a, fd);
    assert_int_equal(a.code, WS_ERR_TIMEOUT);
    redis_end_with(&p, fd);
}

/* Unless the time was over before that had come. */
static void what_a_passing_error_answers_was_not_done(void **state)
{
    struct redis_asked a = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&a, &p, "GET a", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "GET a");
    redis_say(fd, "+b\r\n");
    redis_expect(&a, "b");
    for (int ms = 50;; ms *= 2) {
        redis_ask(&a, &p, "GET a", ms);
        answer_loading(&a, fd);
        assert_int_equal(a.code, WS_ERR_TIMEOUT);
        if (!a.done)
            break;
        assert_true(ms < 10 * 1000);
    }
    redis_end_with(&p, fd);
}

static void a_replica_is_left_for_whoever_is_there_next(void **state)
{
    struct redis_asked a = { 0 }, b = { 0 };
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    redis_ask(&a, &p, "SET a", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "SET a");
    redis_ask(&b, &p, "GET b", 0);
    redis_hear(fd, "GET b");
    redis_say(fd, "-READONLY You can't write\r\n");
    redis_say(fd, "+b\r\n"); /* what is under way is waited for */
    redis_expect(&b, "b");
    redis_expect_end(fd);
    fd = redis_greet(&p);
    redis_hear(fd, "SET a");
    redis_say(fd, "+OK\r\n");
    redis_expect(&a, "OK");
    redis_end_with(&p, fd);
}

/* ---- Scripts ------------------------------------------------------------ */

static void a_script_is_told_to_who_does_not_know_it(void **state)
{
    struct ws__redis_script script;
    struct redis_asked a = { .script = &script };
    struct redis_peer p;

    (void)state;
    assert_int_equal(ws__redis_script_init(&script, "return"), 0);
    assert_string_equal(script.sha1,
                        "63143b6f8007b98c53ca2149822777b3566f9241");
    redis_begin(&p);
    redis_ask(&a, &p, "1 key x", 0);
    int fd = redis_greet(&p);
    redis_hear(fd, "EVALSHA 63143b6f8007b98c53ca2149822777b3566f9241 1 key x");
    redis_say(fd, "-NOSCRIPT No matching script. Please use EVAL.\r\n");
    redis_hear(fd, "EVAL return 1 key x");
    redis_say(fd, "+done\r\n");
    redis_expect(&a, "done");
    redis_ask(&a, &p, "1 key x", 0);
    redis_hear(fd, "EVALSHA 63143b6f8007b98c53ca2149822777b3566f9241 1 key x");
    redis_say(fd, "-ERR in the script\r\n");
    redis_expect(&a, "ERR in the script");
    redis_end_with(&p, fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_share_a_connection_and_have_their_own_answers),
        cmocka_unit_test(what_is_large_comes_back_whole),
        cmocka_unit_test(a_caller_that_gives_up_leaves_its_place),
        cmocka_unit_test(what_was_sent_may_have_been_done_when_it_breaks),
        cmocka_unit_test(what_was_not_sent_waits_for_the_next_connection),
        cmocka_unit_test(a_deadline_says_why_there_is_no_connection),
        cmocka_unit_test(what_is_malformed_ends_the_connection),
        cmocka_unit_test(a_stop_ends_all_that_waits),
        cmocka_unit_test(a_server_that_does_not_greet_is_left),
        cmocka_unit_test(a_silent_server_is_asked_and_then_left),
        cmocka_unit_test(one_that_answers_is_not),
        cmocka_unit_test(who_answers_nothing_is_not_given_more_and_more),
        cmocka_unit_test(a_user_and_a_database_come_first),
        cmocka_unit_test(a_password_does_not_stay_in_memory),
        cmocka_unit_test(who_is_refused_is_told_so),
        cmocka_unit_test(a_passing_error_is_tried_again),
        cmocka_unit_test(what_a_passing_error_answers_was_not_done),
        cmocka_unit_test(a_replica_is_left_for_whoever_is_there_next),
        cmocka_unit_test(a_script_is_told_to_who_does_not_know_it),
    };

    secret_install();
    return run_in_mode("redis_pipe", tests, NULL, NULL);
}
