/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include <inttypes.h>
#include <pthread.h>

#include "alloc_fail.h"
#include "conn/outqueue.h"
#include "conn/prepared.h"
#include "mode.h"

/* A subscriber, of which the test sees every byte. */
struct sub {
    ws_conn *c;
    int raw;
};

static struct sub sub_new(void)
{
    struct sub s;

    s.c = with_raw(&s.raw, NULL);
    return s;
}

static void sub_end(struct sub *s)
{
    close(s->raw);
    ws_close(s->c);
}

static ws_hub *hub_new(const ws_hub_options *o)
{
    ws_error err;
    ws_hub *h = ws_hub_new(o, &err);

    if (!h)
        fail_msg("%s", err.text);
    return h;
}

static ws_joined join(ws_hub *h, ws_conn *c, const char *topic,
                      const ws_join_options *how)
{
    ws_joined j;

    assert_int_equal(ws_hub_join(h, c, topic, how, &j), 0);
    return j;
}

static ws_place publish(ws_hub *h, const char *topic, const char *text)
{
    ws_place at = { 0 };

    assert_int_equal(ws_hub_publish(h, topic, WS_TEXT, text, strlen(text), &at),
                     0);
    return at;
}

static void hears(const struct sub *s, const char *text)
{
    hear_text(s->raw, text);
}

static ws_hub_stats stats_of(ws_hub *h)
{
    ws_hub_stats s;

    ws_hub_stats_get(h, &s);
    return s;
}

/* As soon as what ends elsewhere has ended. */
static void comes_to(ws_hub *h, size_t subscribers, size_t subscriptions)
{
    const int64_t until = patience();
    ws_hub_stats s = stats_of(h);

    while ((s.subscribers != subscribers || s.subscriptions != subscriptions) &&
           ws_now() < until) {
        ws_sleep(1);
        s = stats_of(h);
    }
    assert_int_equal(s.subscribers, subscribers);
    assert_int_equal(s.subscriptions, subscriptions);
}

/* ---- Topics ------------------------------------------------------------- */

static void all_who_have_joined_hear_it(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new(), b = sub_new(), other = sub_new();

    join(h, a.c, "news", NULL);
    join(h, b.c, "news", NULL);
    join(h, other.c, "weather", NULL);
    ws_place first = publish(h, "news", "one");
    ws_place second = publish(h, "news", "two");
    publish(h, "weather", "sun");
    hears(&a, "one");
    hears(&a, "two");
    hears(&b, "one");
    hears(&b, "two");
    hears(&other, "sun");
    assert_true(first.epoch != 0);
    assert_int_equal(first.offset, 1);
    assert_int_equal(second.offset, 2);
    assert_true(second.epoch == first.epoch);
    ws_hub_stats s = stats_of(h);
    assert_int_equal(s.published, 3);
    assert_int_equal(s.delivered, 5);
    assert_int_equal(s.topics, 2);
    assert_int_equal(s.subscribers, 3);
    assert_int_equal(s.subscriptions, 3);
    assert_true(s.connected);
    sub_end(&a);
    sub_end(&b);
    sub_end(&other);
    ws_hub_free(h);
}

static void who_has_left_hears_nothing(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new(), b = sub_new();

    join(h, a.c, "news", NULL);
    join(h, b.c, "news", NULL);
    assert_int_equal(ws_hub_leave(h, a.c, "news"), 0);
    assert_int_equal(ws_hub_leave(h, a.c, "news"), 0);
    assert_int_equal(ws_hub_leave(h, a.c, "never joined"), 0);
    publish(h, "news", "one");
    hears(&b, "one");
    assert_int_equal(ready(a.raw), 0);
    assert_int_equal(stats_of(h).subscriptions, 1);
    join(h, a.c, "news", NULL);
    publish(h, "news", "two");
    hears(&a, "two");
    sub_end(&a);
    sub_end(&b);
    ws_hub_free(h);
}

static void to_join_twice_is_to_hear_it_once(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new();

    join(h, a.c, "news", NULL);
    publish(h, "news", "one");
    ws_joined again =
        join(h, a.c, "news", &(ws_join_options){ .since = &(ws_place){ 0 } });
    assert_true(again.recovered);
    assert_int_equal(again.replayed, 0);
    publish(h, "news", "two");
    hears(&a, "one");
    hears(&a, "two");
    assert_int_equal(ready(a.raw), 0);
    assert_int_equal(stats_of(h).subscriptions, 1);
    sub_end(&a);
    ws_hub_free(h);
}

static void a_connection_that_ends_leaves_by_itself(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new(), b = sub_new(), c = sub_new();

    join(h, a.c, "news", NULL);
    join(h, a.c, "weather", NULL);
    join(h, b.c, "news", NULL);
    join(h, c.c, "news", NULL);
    comes_to(h, 3, 4);
    sub_end(&a);
    comes_to(h, 2, 2);
    ws_shutdown(b.c);
    comes_to(h, 1, 1);
    assert_int_equal(ws_hub_join(h, b.c, "news", NULL, NULL), WS_ERR_CANCELED);
    assert_int_equal(ws_hub_leave(h, b.c, "news"), 0);
    publish(h, "news", "one");
    hears(&c, "one");
    sub_end(&b);
    sub_end(&c);
    comes_to(h, 0, 0);
    ws_hub_free(h);
}

static void a_hub_may_end_before_its_connections(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new();

    join(h, a.c, "news", NULL);
    join(h, a.c, "we", &(ws_join_options){ .prefix = true });
    ws_hub_free(h);
    ws_hub *second = hub_new(NULL);
    join(second, a.c, "news", NULL);
    publish(second, "news", "one");
    hears(&a, "one");
    ws_hub_free(second);
    assert_int_equal(ws_write_text(a.c, "two"), 0);
    hears(&a, "two");
    sub_end(&a);
    ws_hub_free(NULL);
}

static void make_sub(void *sub)
{
    *(struct sub *)sub = sub_new();
}

static void run_make_sub(void *sub)
{
    ws_run(make_sub, sub);
}

static void one_of_a_worker_that_has_ended_hears_it(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a;

    ws_join(ws__go_thread(run_make_sub, &a));
    join(h, a.c, "news", NULL);
    publish(h, "news", "one");
    hears(&a, "one");
    ws_hub_leave(h, a.c, "news");
    publish(h, "news", "two");
    join(h, a.c, "news", NULL);
    publish(h, "news", "three");
    hears(&a, "three");
    sub_end(&a);
    comes_to(h, 0, 0);
    ws_hub_free(h);
}

static void a_connection_is_in_several_hubs(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL), *other = hub_new(NULL);
    struct sub a = sub_new();

    join(h, a.c, "news", NULL);
    join(other, a.c, "news", NULL);
    publish(h, "news", "one");
    hears(&a, "one");
    publish(other, "news", "two");
    hears(&a, "two");
    sub_end(&a);
    comes_to(h, 0, 0);
    comes_to(other, 0, 0);
    ws_hub_free(h);
    ws_hub_free(other);
}

/* ---- History ------------------------------------------------------------ */

static void what_was_missed_comes_first(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new();

    ws_place one = publish(h, "news", "one");
    publish(h, "news", "two");
    publish(h, "news", "three");
    ws_joined j = join(h, a.c, "news", &(ws_join_options){ .since = &one });
    assert_true(j.recovered);
    assert_int_equal(j.replayed, 2);
    assert_true(j.place.epoch == one.epoch);
    assert_int_equal(j.place.offset, 3);
    publish(h, "news", "four");
    hears(&a, "two");
    hears(&a, "three");
    hears(&a, "four");
    assert_int_equal(stats_of(h).recovered, 1);
    sub_end(&a);
    ws_hub_free(h);
}

static void a_log_that_does_not_reach_back_says_so(void **state)
{
    (void)state;
    ws_hub *h = hub_new(&(ws_hub_options){ .history = 2 });
    struct sub a = sub_new();
    ws_place one = publish(h, "news", "one");

    for (int i = 2; i <= 4; i++)
        publish(h, "news", "more");
    const ws_place before[] = {
        one,
        { one.epoch, 0 },
        { one.epoch + 1, 3 }, /* another epoch */
        { one.epoch, 5 },     /* not there yet */
    };
    for (size_t i = 0; i < COUNT(before); i++) {
        ws_joined j =
            join(h, a.c, "news", &(ws_join_options){ .since = &before[i] });
        assert_false(j.recovered);
        assert_int_equal(j.replayed, 0);
        assert_int_equal(j.place.offset, 4);
        assert_int_equal(ws_hub_leave(h, a.c, "news"), 0);
    }
    assert_int_equal(ready(a.raw), 0);
    assert_int_equal(stats_of(h).not_recovered, COUNT(before));
    ws_joined j = join(h, a.c, "news",
                       &(ws_join_options){ .since = &(ws_place){ 0, 2 } });
    assert_true(j.recovered);
    assert_int_equal(j.replayed, 2);
    sub_end(&a);
    ws_hub_free(h);
}

static void epoch_0_is_all_that_there_is(void **state)
{
    (void)state;
    ws_hub *h = hub_new(&(ws_hub_options){ .history = 2 });
    struct sub a = sub_new();
    const ws_join_options all = { .since = &(ws_place){ 0 } };

    assert_true(join(h, a.c, "news", &all).recovered);
    ws_hub_leave(h, a.c, "news");
    publish(h, "news", "one");
    publish(h, "news", "two");
    assert_true(join(h, a.c, "news", &all).recovered);
    hears(&a, "one");
    hears(&a, "two");
    ws_hub_leave(h, a.c, "news");
    publish(h, "news", "three");
    ws_joined j = join(h, a.c, "news", &all);
    assert_false(j.recovered);
    assert_int_equal(j.replayed, 2);
    hears(&a, "two");
    hears(&a, "three");
    sub_end(&a);
    ws_hub_free(h);
}

static void bytes_and_age_bound_a_history(void **state)
{
    (void)state;
    ws_hub *h = hub_new(&(ws_hub_options){ .history_bytes = 10 });
    struct sub a = sub_new();
    const ws_join_options all = { .since = &(ws_place){ 0 } };

    publish(h, "news", "1234567");
    publish(h, "news", "12345");
    publish(h, "news", "1234");
    assert_int_equal(join(h, a.c, "news", &all).replayed, 2);
    ws_hub_leave(h, a.c, "news");
    publish(h, "news", "12345678901");
    assert_int_equal(join(h, a.c, "news", &all).replayed, 0);
    ws_hub_leave(h, a.c, "news");
    for (int i = 0; i < 20; i++) /* more than there is room for at first */
        publish(h, "news", "12");
    assert_int_equal(join(h, a.c, "news", &all).replayed, 5);
    ws_hub_free(h);
    h = hub_new(&(ws_hub_options){ .history_ms = 20 });
    publish(h, "news", "one");
    join(h, a.c, "news", NULL);
    ws_hub_leave(h, a.c, "news");
    ws_sleep(50);
    ws_place two = publish(h, "news", "two");
    assert_int_equal(two.offset, 1);
    ws_sleep(50);
    assert_int_equal(stats_of(h).topics, 0);
    ws_hub_free(h);
    h = hub_new(&(ws_hub_options){ .history = -1 });
    publish(h, "news", "one");
    ws_joined j = join(h, a.c, "news", &all);
    assert_int_equal(j.replayed, 0);
    assert_int_equal(j.place.offset, 1);
    assert_false(j.recovered);
    ws_hub_free(h);
    sub_end(&a);
}

/* More than a queue or a kernel holds, to one who reads. */
struct reader {
    int raw;
    int n;
    bool in_order;
};

static void read_numbers(void *arg)
{
    struct reader *r = arg;
    struct heard h;

    r->in_order = true;
    for (int i = 1; i <= r->n; i++) {
        if (!hear_frame(r->raw, &h))
            return;
        r->in_order = r->in_order && atoi(h.payload) == i;
        free(h.payload);
    }
}

static void a_long_replay_waits_for_its_subscriber(void **state)
{
    (void)state;
    enum { N = 3000, SIZE = 2000 };
    ws_hub *h =
        hub_new(&(ws_hub_options){ .history = N, .history_bytes = N * SIZE });
    struct sub a = sub_new();
    struct reader r = { .raw = a.raw, .n = N };
    char *text = make_text(SIZE);

    for (int i = 1; i <= N; i++) {
        int n = snprintf(text, SIZE, "%d", i);
        text[n] = ' ';
        assert_int_equal(ws_hub_publish(h, "news", WS_TEXT, text, SIZE, NULL),
                         0);
    }
    ws_fiber *f = mode_go(read_numbers, &r);
    ws_joined j =
        join(h, a.c, "news", &(ws_join_options){ .since = &(ws_place){ 0 } });
    assert_true(j.recovered);
    assert_int_equal(j.replayed, N);
    ws_join(f);
    assert_true(r.in_order);
    free(text);
    sub_end(&a);
    ws_hub_free(h);
}

/* ---- Prefixes ----------------------------------------------------------- */

static void a_prefix_is_of_topics_that_are_and_that_come(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new(), b = sub_new();
    const ws_join_options prefix = { .prefix = true };

    publish(h, "room/1", "too early");
    join(h, b.c, "room/", NULL);
    join(h, a.c, "room/", &prefix);
    join(h, a.c, "ro", &prefix);
    publish(h, "room/1", "one");
    publish(h, "room/2", "two");
    publish(h, "roof", "three");
    publish(h, "r", "four");
    publish(h, "room/", "five");
    hears(&b, "five");
    for (int i = 0; i < 7; i++) { /* between topics there is no order */
        struct heard heard;
        assert_true(hear_frame(a.raw, &heard));
        assert_string_not_equal(heard.payload, "four");
        free(heard.payload);
    }
    assert_int_equal(ws_hub_leave(h, a.c, "ro"), 0);
    assert_int_equal(ws_hub_leave_prefix(h, a.c, "room/"), 0);
    assert_int_equal(ws_hub_leave_prefix(h, a.c, "ro"), 0);
    publish(h, "room/1", "six");
    publish(h, "room/3", "seven");
    ws_write_text(a.c, "last");
    hears(&a, "last");
    comes_to(h, 1, 1);
    sub_end(&a);
    sub_end(&b);
    ws_hub_free(h);
}

/* ---- Presence ----------------------------------------------------------- */

static void check_presence(ws_hub *h, const char *topic, size_t connections,
                           const char *members)
{
    char text[200] = "";
    ws_presence *p;

    assert_int_equal(ws_hub_presence(h, topic, &p), 0);
    assert_int_equal(p->connections, connections);
    for (size_t i = 0; i < p->n; i++) {
        strcat(text, p->members[i]);
        strcat(text, " ");
    }
    assert_string_equal(text, members);
    ws_free(p);
}

static void presence_is_who_and_how_many(void **state)
{
    (void)state;
    ws_hub *h = hub_new(NULL);
    struct sub s[4] = { sub_new(), sub_new(), sub_new(), sub_new() };
    const ws_join_options eve = { .member = "eve" }, bob = { .member = "bob" };

    check_presence(h, "room", 0, "");
    join(h, s[0].c, "room", &eve);
    join(h, s[1].c, "room", &bob);
    join(h, s[2].c, "room", &eve);
    join(h, s[3].c, "room", NULL);
    check_presence(h, "room", 4, "bob eve ");
    ws_hub_leave(h, s[0].c, "room");
    check_presence(h, "room", 3, "bob eve ");
    join(h, s[2].c, "room", &(ws_join_options){ .member = "Eve" });
    check_presence(h, "room", 3, "Eve bob ");
    join(h, s[2].c, "room", NULL);
    check_presence(h, "room", 3, "bob ");
    sub_end(&s[1]);
    comes_to(h, 2, 2);
    check_presence(h, "room", 2, "");
    sub_end(&s[0]);
    sub_end(&s[2]);
    sub_end(&s[3]);
    ws_hub_free(h);
}

/* ---- Functions of the options ------------------------------------------- */

struct framing {
    ws_hub *hub;
    int called;
    int nested;
};

static ws_prepared *with_place(const ws_publication *p, void *arg)
{
    struct framing *f = arg;
    char text[100];

    f->called++;
    if (p->len == 0)
        return NULL;
    f->nested = ws_hub_publish(f->hub, "news", WS_TEXT, "x", 1, NULL);
    int n = snprintf(text, sizeof(text), "%" PRIu64 " %s %.*s", p->place.offset,
                     p->topic, (int)p->len, (const char *)p->data);
    return ws_prepare(p->type, text, (size_t)n);
}

static void a_frame_carries_its_place(void **state)
{
    (void)state;
    struct framing f = { 0 };
    ws_hub *h = hub_new(&(ws_hub_options){ .frame = with_place, .arg = &f });
    struct sub a = sub_new(), b = sub_new();

    f.hub = h;
    join(h, a.c, "news", NULL);
    join(h, b.c, "news", NULL);
    publish(h, "news", "one");
    publish(h, "news", "");
    publish(h, "news", "three");
    hears(&a, "1 news one");
    hears(&a, "3 news three");
    hears(&b, "1 news one");
    hears(&b, "3 news three");
    assert_int_equal(f.called, 3);
    assert_int_equal(f.nested, WS_ERR_BUSY);
    ws_hub_leave(h, a.c, "news");
    ws_joined j =
        join(h, a.c, "news", &(ws_join_options){ .since = &(ws_place){ 0 } });
    assert_true(j.recovered);
    assert_int_equal(j.replayed, 2);
    hears(&a, "1 news one");
    hears(&a, "3 news three");
    assert_int_equal(f.called, 3);
    sub_end(&a);
    sub_end(&b);
    ws_hub_free(h);
}

/* ---- Many at once ------------------------------------------------------- */

enum { PUBLISHERS = 3, LISTENERS = 4, EACH = 100 };

struct meeting {
    ws_hub *hub;
    atomic_int here;
    char heard[LISTENERS][PUBLISHERS * EACH + 1];
};

struct attendant {
    struct meeting *meeting;
    int i;
    bool heard_all;
};

static void listen_to_all(void *arg)
{
    struct attendant *a = arg;
    struct sub s = sub_new();
    struct heard h;
    int n = 0;

    join(a->meeting->hub, s.c, "t", NULL);
    atomic_fetch_add(&a->meeting->here, 1);
    while (n < PUBLISHERS * EACH && hear_frame(s.raw, &h)) {
        a->meeting->heard[a->i][n++] = h.payload[0];
        free(h.payload);
    }
    a->heard_all = n == PUBLISHERS * EACH;
    sub_end(&s);
}

static void talk(void *arg)
{
    const struct attendant *a = arg;

    for (int i = 0; i < EACH; i++) {
        publish(a->meeting->hub, "t", &"a\0b\0c"[2 * a->i]);
        ws_yield();
    }
}

static void all_hear_it_in_one_order(void **state)
{
    (void)state;
    struct meeting m = { .hub = hub_new(&(ws_hub_options){
                             .queue = { .max_messages = 1000 } }) };
    struct attendant listeners[LISTENERS], publishers[PUBLISHERS];
    ws_fiber *fibers[LISTENERS + PUBLISHERS];

    for (int i = 0; i < LISTENERS; i++) {
        listeners[i] = (struct attendant){ &m, i, false };
        fibers[i] = mode_go(listen_to_all, &listeners[i]);
    }
    while (atomic_load(&m.here) < LISTENERS)
        ws_sleep(1);
    for (int i = 0; i < PUBLISHERS; i++) {
        publishers[i] = (struct attendant){ &m, i, false };
        fibers[LISTENERS + i] = mode_go(talk, &publishers[i]);
    }
    for (int i = 0; i < LISTENERS + PUBLISHERS; i++)
        ws_join(fibers[i]);
    for (int i = 0; i < LISTENERS; i++) {
        assert_true(listeners[i].heard_all);
        assert_string_equal(m.heard[i], m.heard[0]);
    }
    comes_to(m.hub, 0, 0);
    ws_hub_free(m.hub);
}

/* ---- Compressed --------------------------------------------------------- */

static ws_prepared *keep_it(const ws_publication *p, void *arg)
{
    ws_prepared **kept = arg;

    *kept = ws_prepare(p->type, p->data, p->len);
    ws__prepared_ref(*kept);
    return *kept;
}

static void it_is_compressed_once_for_all(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 5 };
    ws_prepared *kept = NULL;
    ws_hub *h = hub_new(&(ws_hub_options){ .frame = keep_it, .arg = &kept });
    ws_conn *c[SUBSCRIBERS], *client[SUBSCRIBERS];
    char *text = make_text(1024);

    for (int i = 0; i < SUBSCRIBERS; i++) {
        both(&c[i], &client[i], true);
        join(h, c[i], "t", NULL);
    }
    publish(h, "t", text);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        ws_message m;
        assert_int_equal(ws_read_message(client[i], &m), 0);
        assert_string_equal(m.data, text);
        ws_close(client[i]);
        ws_close(c[i]);
    }
    const struct ws__form *form = atomic_load(&kept->compressed);
    assert_non_null(form);
    assert_null(form->next);
    ws_prepared_free(kept);
    free(text);
    ws_hub_free(h);
}

/* ---- Without memory ----------------------------------------------------- */

/* Whatever fails: each call succeeds or says so, and then all is well again.
 * Returns whether something did. */
static bool try_all(long n)
{
    const ws_join_options options[] = {
        { .since = &(ws_place){ 0 }, .member = "eve" },
        { .prefix = true },
        { .member = "bob" },
    };
    struct sub a = sub_new();
    ws_presence *p = NULL;

    alloc_fail_at(n);
    ws_hub *h = ws_hub_new(NULL, NULL);
    int published = ws_hub_publish(h, "news", WS_TEXT, "one", 3, NULL);
    ws_hub_publish(h, "newspaper", WS_TEXT, "one", 3, NULL);
    for (size_t i = 0; h && i < COUNT(options); i++) {
        int r = ws_hub_join(h, a.c, "news", &options[i], NULL);
        assert_true(r == 0 || r == -ENOMEM || r == WS_ERR_CANCELED);
    }
    int present = ws_hub_presence(h, "news", &p);
    ws_hub_publish(h, "news", WS_TEXT, "two", 3, NULL);
    ws_hub_publish(h, "newspaper", WS_TEXT, "two", 3, NULL);
    ws_hub_leave(h, a.c, "news");
    bool failed = alloc_failed();
    alloc_fail_at(0);
    assert_true(h ? published == 0 || published == -ENOMEM
                  : published == WS_ERR_INVALID);
    assert_true((present == 0) == (p != NULL));
    ws_free(p);
    if (h && ws_conn_error(a.c)->code == 0) {
        join(h, a.c, "weather", NULL);
        publish(h, "weather", "sun");
        struct heard heard;
        bool sun = false;
        while (!sun && hear_frame(a.raw, &heard)) {
            sun = strcmp(heard.payload, "sun") == 0;
            free(heard.payload);
        }
        assert_true(sun);
    }
    sub_end(&a);
    if (h)
        comes_to(h, 0, 0);
    ws_hub_free(h);
    return failed;
}

/* The n-th allocation of the last but one fails.  Returns whether it did. */
static bool nothing_goes_behind_a_gap_at(long n)
{
    enum { FIRST = 16 }; /* what a desk has room for at first */
    ws_hub *h = hub_new(NULL);
    struct sub s = sub_new();
    struct heard heard = { 0 };
    char text[16];
    int error = 0, next = 0;
    bool failed = false;

    join(h, s.c, "t", NULL);
    for (int i = 0; i < FIRST + 2; i++) {
        size_t len = (size_t)snprintf(text, sizeof(text), "%d", i);
        alloc_fail_at(i == FIRST ? n : 0);
        int r = ws_hub_publish(h, "t", WS_TEXT, text, len, NULL);
        failed = failed || (i == FIRST && alloc_failed());
        alloc_fail_at(0);
        error = error != 0 ? error : r;
    }
    while (next < FIRST + 2 && hear_frame(s.raw, &heard) &&
           heard.first == (FIN | WS_TEXT)) {
        next += next == FIRST && error != 0;
        assert_int_equal(atoi(heard.payload), next++);
        free(heard.payload);
        heard.payload = NULL;
    }
    free(heard.payload);
    sub_end(&s);
    ws_hub_free(h);
    return failed;
}

static void nothing_goes_behind_a_gap(void **state)
{
    (void)state;
    long n = 1;

    while (nothing_goes_behind_a_gap_at(n))
        n++;
    assert_true(n > 3);
}

/* In a fiber, whose worker comes to it after that. */
static void leave_with_a_gap(void *arg)
{
    bool failed = true;

    (void)arg;
    for (long n = 1; failed; n++) {
        ws_hub *h = hub_new(NULL);
        struct sub s = sub_new();

        join(h, s.c, "t", NULL);
        alloc_fail_at(n);
        ws_hub_publish(h, "t", WS_TEXT, "one", 3, NULL);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(ws_hub_leave(h, s.c, "t"), 0);
        ws_yield();
        sub_end(&s);
        comes_to(h, 0, 0);
        ws_hub_free(h);
    }
}

static void who_leaves_with_a_gap_is_not_cut(void **state)
{
    (void)state;
    mode_in_fiber(leave_with_a_gap, NULL);
}

struct holding {
    struct ws__outqueue *queue;
    atomic_bool holds;
    atomic_bool other_runs;
    ws_hub *hub;
    ws_conn *other;
};

static void *holds_a_queue(void *holding)
{
    struct holding *h = holding;
    const int64_t until = ws_after(100);

    ws__outqueue_lock(h->queue);
    atomic_store(&h->holds, true);
    while (!atomic_load(&h->other_runs) && ws_now() < until)
        ws_sleep(1);
    ws__outqueue_unlock(h->queue);
    return NULL;
}

static void leaves(void *holding)
{
    struct holding *h = holding;

    atomic_store(&h->other_runs, true);
    ws_hub_leave(h->hub, h->other, "t");
}

/* Who joins has the list of subscribers then, and other fibers need it. */
static void who_joins_is_not_parked_for_a_queue(void **state)
{
    (void)state;
    struct sub a = sub_new(), b = sub_new();
    struct holding h = { .queue = ws__outqueue_own(a.c),
                         .hub = hub_new(NULL),
                         .other = b.c };
    pthread_t holder;

    assert_non_null(h.queue);
    join(h.hub, b.c, "t", NULL);
    assert_int_equal(pthread_create(&holder, NULL, holds_a_queue, &h), 0);
    while (!atomic_load(&h.holds))
        ws_sleep(1);
    ws_fiber *f = ws_go(leaves, &h);
    join(h.hub, a.c, "t", NULL);
    ws_join(f);
    pthread_join(holder, NULL);
    sub_end(&a);
    sub_end(&b);
    ws_hub_free(h.hub);
}

static void want_of_memory_is_survived(void **state)
{
    (void)state;
    long n = 1;

    while (try_all(n))
        n++;
    assert_true(n > 20);
    print_message("# %ld allocations\n", n - 1);
}

/* ---- Misuse ------------------------------------------------------------- */

static void what_is_wrong_gets_a_code(void **state)
{
    (void)state;
    static char long_name[257];
    ws_hub *h = hub_new(NULL);
    struct sub a = sub_new();
    ws_error err;
    ws_presence *p;

    memset(long_name, 'x', 256);
    const char *const names[] = { NULL,   "",         long_name, "a\nb",
                                  "\x7f", "\xc2\x85", "\xff",    "\xc3" };
    for (size_t i = 0; i < COUNT(names); i++) {
        const ws_join_options member = { .member = names[i] };
        assert_int_equal(ws_hub_join(h, a.c, names[i], NULL, NULL),
                         WS_ERR_INVALID);
        assert_int_equal(ws_hub_leave(h, a.c, names[i]), WS_ERR_INVALID);
        assert_int_equal(ws_hub_leave_prefix(h, a.c, names[i]), WS_ERR_INVALID);
        assert_int_equal(ws_hub_publish(h, names[i], WS_TEXT, "", 0, NULL),
                         WS_ERR_INVALID);
        assert_int_equal(ws_hub_presence(h, names[i], &p), WS_ERR_INVALID);
        assert_null(p);
        if (names[i])
            assert_int_equal(ws_hub_join(h, a.c, "news", &member, NULL),
                             WS_ERR_INVALID);
    }
    assert_int_equal(ws_hub_join(NULL, a.c, "news", NULL, NULL),
                     WS_ERR_INVALID);
    assert_int_equal(ws_hub_join(h, NULL, "news", NULL, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_hub_publish(h, "news", WS_PING, "", 0, NULL),
                     WS_ERR_INVALID);
    assert_int_equal(ws_hub_publish(h, "news", WS_TEXT, NULL, 1, NULL),
                     WS_ERR_INVALID);
    assert_int_equal(ws_hub_publish(NULL, "news", WS_TEXT, "", 0, NULL),
                     WS_ERR_INVALID);
    assert_int_equal(ws_hub_join(h, a.c, "news",
                                 &(ws_join_options){ .since = &(ws_place){ 0 },
                                                     .prefix = true },
                                 NULL),
                     WS_ERR_INVALID);
    assert_null(ws_hub_new(&(ws_hub_options){ .history = -2 }, &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    assert_string_equal(err.text, "ws_hub_new: history is below -1");
    assert_int_equal(stats_of(NULL).topics, 0);
    assert_int_equal(stats_of(h).topics, 0);
    sub_end(&a);
    ws_hub_free(h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_who_have_joined_hear_it),
        cmocka_unit_test(who_has_left_hears_nothing),
        cmocka_unit_test(to_join_twice_is_to_hear_it_once),
        cmocka_unit_test(a_connection_that_ends_leaves_by_itself),
        cmocka_unit_test(a_hub_may_end_before_its_connections),
        cmocka_unit_test(a_connection_is_in_several_hubs),
        cmocka_unit_test(one_of_a_worker_that_has_ended_hears_it),
        cmocka_unit_test(what_was_missed_comes_first),
        cmocka_unit_test(a_log_that_does_not_reach_back_says_so),
        cmocka_unit_test(epoch_0_is_all_that_there_is),
        cmocka_unit_test(bytes_and_age_bound_a_history),
        cmocka_unit_test(a_long_replay_waits_for_its_subscriber),
        cmocka_unit_test(a_prefix_is_of_topics_that_are_and_that_come),
        cmocka_unit_test(presence_is_who_and_how_many),
        cmocka_unit_test(a_frame_carries_its_place),
        cmocka_unit_test(all_hear_it_in_one_order),
        cmocka_unit_test(it_is_compressed_once_for_all),
        cmocka_unit_test(nothing_goes_behind_a_gap),
        cmocka_unit_test(who_leaves_with_a_gap_is_not_cut),
        cmocka_unit_test(who_joins_is_not_parked_for_a_queue),
        cmocka_unit_test(want_of_memory_is_survived),
        cmocka_unit_test(what_is_wrong_gets_a_code),
    };

    alloc_fail_install();
    return run_in_mode("hub", tests, NULL, NULL);
}
