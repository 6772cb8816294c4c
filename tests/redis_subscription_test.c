/* SPDX-License-Identifier: MIT */

#include "redis_peer.h"

static void listen_to(struct redis_peer *p, const char *channel)
{
    assert_int_equal(ws__redis_subscribe(p->client, ws__str(channel)), 0);
}

static void no_longer(struct redis_peer *p, const char *channel)
{
    ws__redis_unsubscribe(p->client, ws__str(channel));
}

/* The answer to a command, or a message. */
static void tell(int fd, const char *kind, const char *channel,
                 const char *third)
{
    char text[512];

    snprintf(text, sizeof(text), "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n%s\r\n",
             strlen(kind), kind, strlen(channel), channel, third);
    redis_say(fd, text);
}

/* A client that listens to a channel: its connection, on which it asks so. */
static int begin_asking(struct redis_peer *p)
{
    redis_begin(p);
    listen_to(p, "a");
    int fd = redis_greet(p);
    redis_hear(fd, "SUBSCRIBE a");
    return fd;
}

/* And has been told yes. */
static int begin_subscribed(struct redis_peer *p)
{
    int fd = begin_asking(p);

    tell(fd, "subscribe", "a", ":1");
    redis_expect_heard(p, "subscribed a;");
    return fd;
}

static void what_is_published_is_heard_in_order(void **state)
{
    struct redis_peer p;

    (void)state;
    int fd = begin_subscribed(&p);
    tell(fd, "message", "a", "$2\r\nm1");
    tell(fd, "message", "a", "$0\r\n");
    redis_say(fd, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\n");
    redis_expect_heard(&p, "subscribed a;message a m1;message a;");
    redis_say(fd, "m3\r\n");
    redis_expect_heard(&p, "subscribed a;message a m1;message a;message a m3;");
    no_longer(&p, "a");
    redis_hear(fd, "UNSUBSCRIBE a");
    tell(fd, "unsubscribe", "a", ":0");
    redis_end_with(&p, fd);
    assert_string_equal(p.heard,
                        "subscribed a;message a m1;message a;message a m3;");
}

static void what_is_said_twice_is_asked_once(void **state)
{
    struct redis_peer p;

    (void)state;
    redis_begin(&p);
    listen_to(&p, "a");
    listen_to(&p, "a");
    int fd = redis_greet(&p);
    redis_hear(fd, "SUBSCRIBE a");
    listen_to(&p, "a");
    no_longer(&p, "never");
    listen_to(&p, "b");
    redis_hear(fd, "SUBSCRIBE b");
    tell(fd, "subscribe", "a", ":1");
    tell(fd, "subscribe", "b", ":2");
    redis_expect_heard(&p, "subscribed a;subscribed b;");
    redis_end_with(&p, fd);
}

/* Who changes his mind before there is an answer gets what he wanted last. */
static void the_last_word_counts(void **state)
{
    struct redis_peer p;

    (void)state;
    int fd = begin_asking(&p);
    no_longer(&p, "a");
    tell(fd, "subscribe", "a", ":1");
    redis_hear(fd, "UNSUBSCRIBE a");
    tell(fd, "message", "a", "$1\r\nm");
    listen_to(&p, "a");
    tell(fd, "unsubscribe", "a", ":0");
    redis_hear(fd, "SUBSCRIBE a");
    no_longer(&p, "a");
    listen_to(&p, "a");
    tell(fd, "subscribe", "a", ":1");
    redis_expect_heard(&p, "message a m;subscribed a;");
    redis_end_with(&p, fd);
}

/* Or it was left, if the other thread has been in between. */
static void what_is_not_left_yet_is_subscribed_for_who_wants_it(void **state)
{
    static const char told[] = "subscribed a;subscribed a;";
    struct redis_peer p;
    int64_t limit = patience();

    (void)state;
    int fd = begin_subscribed(&p);
    no_longer(&p, "a");
    listen_to(&p, "a");
    while (!redis_has_heard(&p, told) && ready(fd) == 0 && ws_now() < limit)
        ws_sleep(1);
    if (ready(fd) > 0) {
        redis_hear(fd, "UNSUBSCRIBE a");
        tell(fd, "unsubscribe", "a", ":0");
        redis_hear(fd, "SUBSCRIBE a");
        tell(fd, "subscribe", "a", ":1");
    }
    redis_expect_heard(&p, told);
    redis_end_with(&p, fd);
}

static void what_was_lost_is_subscribed_again(void **state)
{
    struct redis_peer p;

    (void)state;
    int fd = begin_subscribed(&p);
    listen_to(&p, "b");
    redis_hear(fd, "SUBSCRIBE b");
    close(fd); /* b was not there yet, and is not lost */
    redis_expect_heard(&p, "subscribed a;lost a;");

    fd = redis_greet(&p);
    redis_hear(fd, "SUBSCRIBE b");
    redis_hear(fd, "SUBSCRIBE a");
    tell(fd, "subscribe", "b", ":1");
    tell(fd, "subscribe", "a", ":2");
    redis_expect_heard(&p, "subscribed a;lost a;subscribed b;subscribed a;");
    no_longer(&p, "a");
    redis_hear(fd, "UNSUBSCRIBE a");
    close(fd);
    fd = redis_greet(&p);
    redis_hear(fd, "SUBSCRIBE b");
    tell(fd, "subscribe", "b", ":1");
    redis_expect_heard(&p, "subscribed a;lost a;subscribed b;subscribed a;"
                           "lost b;subscribed b;");
    redis_end_with(&p, fd);
}

static void who_has_no_channel_does_not_connect(void **state)
{
    struct redis_peer p;

    (void)state;
    int fd = begin_asking(&p);
    tell(fd, "subscribe", "a", ":1");
    no_longer(&p, "a");
    redis_hear(fd, "UNSUBSCRIBE a");
    tell(fd, "unsubscribe", "a", ":0");
    close(fd);

    /* The next connection is of the next channel. */
    for (int i = 0; i < 100; i++) {
        listen_to(&p, "x");
        no_longer(&p, "x");
    }
    listen_to(&p, "b");
    fd = redis_greet(&p);
    char got[64];
    assert_true(hear_n(fd, got, strlen("*2\r\n$9\r\nSUBSCRIBE\r\n")));
    redis_end_with(&p, fd);
}

static void a_channel_that_is_refused_is_tried_again(void **state)
{
    struct redis_peer p;

    (void)state;
    int fd = begin_asking(&p);
    listen_to(&p, "b");
    redis_hear(fd, "SUBSCRIBE b");
    redis_say(fd, "-NOPERM not this one\r\n");
    tell(fd, "subscribe", "b", ":1");
    redis_expect_heard(&p, "refused a NOPERM not this one;subscribed b;");
    redis_hear(fd, "SUBSCRIBE a");
    tell(fd, "subscribe", "a", ":2");
    redis_expect_heard(
        &p, "refused a NOPERM not this one;subscribed b;subscribed a;");
    redis_end_with(&p, fd);
}

/* A server may take a channel away, as a cluster's does when its slot moves. */
static void a_channel_that_is_taken_away_is_asked_for_again(void **state)
{
    struct redis_peer p;

    (void)state;
    int fd = begin_subscribed(&p);
    tell(fd, "unsubscribe", "a", ":0");
    tell(fd, "unsubscribe", "unheard-of", ":0");
    redis_hear(fd, "SUBSCRIBE a");
    tell(fd, "subscribe", "a", ":1");
    redis_expect_heard(&p, "subscribed a;lost a;subscribed a;");
    redis_end_with(&p, fd);
}

static void what_is_malformed_ends_the_connection(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "*1048577\r\n",
        "*2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nz\r\n:1\r\n",
        ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n",
        "+OK\r\n",
        "*0\r\n",
        ":1\r\n",
        "$-1\r\n",
        "-ERR out of the blue\r\n",
        "*3\r\n$7\r\nmess",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct redis_peer p;

        int fd = begin_subscribed(&p);
        redis_say(fd, replies[i]);
        shutdown(fd, SHUT_WR);
        redis_expect_end(fd);
        redis_expect_heard(&p, "subscribed a;lost a;");
        redis_end(&p);
    }
}

static bool answer_pings(int fd, int n)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    static const char pong[] = "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
    char got[sizeof(ping) - 1];

    while (n > 0 && hear_n(fd, got, sizeof(got))) {
        assert_memory_equal(got, ping, sizeof(got));
        n--;
        if (say_some(fd, pong, sizeof(pong) - 1) < 0)
            return false;
    }
    return n == 0;
}

static void a_silent_server_is_asked_whether_it_is_there(void **state)
{
    static const char yes[] = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
    struct redis_peer p;
    bool answered = false;

    (void)state;
    redis_begin_with(&p, "", "", (struct redis_times){ .silence_ms = 50 });
    listen_to(&p, "a");
    while (!answered) {
        int fd = redis_greet(&p);
        redis_hear(fd, "SUBSCRIBE a");
        if (say_some(fd, yes, sizeof(yes) - 1) > 0)
            answered = answer_pings(fd, 4);
        close(fd);
    }
    int fd = redis_greet(&p);
    redis_hear(fd, "SUBSCRIBE a");
    redis_hear(fd, "PING");
    redis_expect_end(fd);
    redis_end(&p);
}

/* Nor does the next connection wait for its answer. */
static void a_ping_goes_with_its_connection(void **state)
{
    struct redis_peer p;

    (void)state;
    redis_begin_with(&p, "", "", (struct redis_times){ .silence_ms = 50 });
    listen_to(&p, "a");
    for (int i = 0; i < 2; i++) {
        int fd = redis_greet(&p);
        redis_hear(fd, "SUBSCRIBE a");
        redis_hear(fd, "PING");
        redis_expect_end(fd);
    }
    redis_end(&p);
}

static void what_comes_and_goes_without_redis_is_forgotten(void **state)
{
    enum { N = 1000, KEPT = 100 };
    struct redis_peer p;
    char name[32];

    (void)state;
    redis_init(&p);
    redis_begin_url(&p, "redis+unix:///nowhere/redis",
                    (struct redis_times){ 0 });
    listen_to(&p, "a");
    long before = mode_live();
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "channel-%d", i);
        listen_to(&p, name);
        no_longer(&p, name);
    }
    for (int64_t until = patience(); mode_live() > before + KEPT;) {
        assert_true(ws_now() < until);
        ws_sleep(1);
    }
    redis_end(&p);
}

static void many_channels_come_and_go(void **state)
{
    enum { N = 300 };
    struct redis_peer p;
    char name[32], line[64];

    (void)state;
    redis_begin(&p);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "channel-%d", i);
        listen_to(&p, name);
    }
    int fd = redis_greet(&p);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "channel-%d", i);
        snprintf(line, sizeof(line), "SUBSCRIBE %s", name);
        redis_hear(fd, line);
        tell(fd, "subscribe", name, ":1");
    }
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "channel-%d", i);
        snprintf(line, sizeof(line), "UNSUBSCRIBE %s", name);
        no_longer(&p, name);
        redis_hear(fd, line);
        tell(fd, "unsubscribe", name, ":1");
    }
    redis_end_with(&p, fd);
}

/* ---- Who subscribes ----------------------------------------------------- */

enum { HOLDS = 5000 };

struct holders {
    struct ws__redis *client;
    pthread_mutex_t lock;
    bool parked;
    atomic_bool over;
};

/* If it parked with the lock held, the other fiber of its worker finds it held. */
static void hold_and_subscribe(void *arg)
{
    struct holders *h = arg;

    for (int i = 0; i < HOLDS && !h->parked; i++) {
        if (pthread_mutex_trylock(&h->lock) != 0) {
            h->parked = true;
            break;
        }
        ws__redis_subscribe(h->client, ws__str("a"));
        ws__redis_unsubscribe(h->client, ws__str("a"));
        pthread_mutex_unlock(&h->lock);
        ws_yield();
    }
}

static void hold_in_two(void *arg)
{
    ws_fiber *f = ws_go(hold_and_subscribe, arg);

    assert_non_null(f);
    hold_and_subscribe(arg);
    ws_join(f);
}

static void *subscribe_meanwhile(void *arg)
{
    struct holders *h = arg;

    while (!atomic_load(&h->over)) {
        ws__redis_subscribe(h->client, ws__str("b"));
        ws__redis_unsubscribe(h->client, ws__str("b"));
    }
    return NULL;
}

static void who_subscribes_may_hold_a_lock(void **state)
{
    static const char *const urls[] = { "redis://127.0.0.1:1",
                                        "redis+cluster://127.0.0.1:1" };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct holders h = {
            .client = ws__redis_new(
                &(struct ws__redis_options){ .url = urls[i] }, NULL),
            .lock = PTHREAD_MUTEX_INITIALIZER,
        };
        pthread_t t;

        assert_non_null(h.client);
        assert_int_equal(pthread_create(&t, NULL, subscribe_meanwhile, &h), 0);
        ws_run(hold_in_two, &h);
        atomic_store(&h.over, true);
        pthread_join(t, NULL);
        ws__redis_free(h.client);
        assert_false(h.parked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_is_heard_in_order),
        cmocka_unit_test(what_is_said_twice_is_asked_once),
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(what_is_not_left_yet_is_subscribed_for_who_wants_it),
        cmocka_unit_test(what_was_lost_is_subscribed_again),
        cmocka_unit_test(who_has_no_channel_does_not_connect),
        cmocka_unit_test(a_channel_that_is_refused_is_tried_again),
        cmocka_unit_test(a_channel_that_is_taken_away_is_asked_for_again),
        cmocka_unit_test(what_is_malformed_ends_the_connection),
        cmocka_unit_test(a_silent_server_is_asked_whether_it_is_there),
        cmocka_unit_test(a_ping_goes_with_its_connection),
        cmocka_unit_test(what_comes_and_goes_without_redis_is_forgotten),
        cmocka_unit_test(many_channels_come_and_go),
        cmocka_unit_test(who_subscribes_may_hold_a_lock),
    };

    alloc_fail_install();
    return run_in_mode("redis_subscription", tests, NULL, NULL);
}
