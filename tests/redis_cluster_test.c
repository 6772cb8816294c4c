/* SPDX-License-Identifier: MIT */

#include "redis_mock.h"

/* Two nodes, and a map that both tell. */
struct pair_of_nodes {
    struct mock a;
    struct mock b;
    char map[1024];
    char at_a[64]; /* what A says to GET and SSUBSCRIBE; "": it answers */
};

/* "first-last name" of each range, of which a and b are these nodes. */
static void map_range(struct pair_of_nodes *n, int first, int last,
                      const struct mock *m)
{
    size_t at = strlen(n->map);
    char port[8];

    snprintf(port, sizeof(port), "%u", m->port);
    snprintf(n->map + at, sizeof(n->map) - at,
             "*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%s\r\n", first,
             last, port);
}

static void nodes_lock(struct pair_of_nodes *n)
{
    pthread_mutex_lock(&n->a.lock);
    pthread_mutex_lock(&n->b.lock);
}

static void nodes_unlock(struct pair_of_nodes *n)
{
    pthread_mutex_unlock(&n->b.lock);
    pthread_mutex_unlock(&n->a.lock);
}

/* A has what is below slot, B the rest. */
static void map_split(struct pair_of_nodes *n, int slot)
{
    nodes_lock(n);
    snprintf(n->map, sizeof(n->map), "*2\r\n");
    map_range(n, 0, slot - 1, &n->a);
    map_range(n, slot, 16383, &n->b);
    nodes_unlock(n);
}

static void map_all_at_a(struct pair_of_nodes *n)
{
    nodes_lock(n);
    snprintf(n->map, sizeof(n->map), "*1\r\n");
    map_range(n, 0, 16383, &n->a);
    nodes_unlock(n);
}

static void map_is(struct pair_of_nodes *n, const char *text)
{
    nodes_lock(n);
    snprintf(n->map, sizeof(n->map), "%s", text);
    nodes_unlock(n);
}

/* "" is none: A answers. */
static void at_a(struct pair_of_nodes *n, const char *word, int slot,
                 const struct mock *m)
{
    nodes_lock(n);
    n->at_a[0] = '\0';
    if (m)
        snprintf(n->at_a, sizeof(n->at_a), "-%s %d 127.0.0.1:%u\r\n", word,
                 slot, m->port);
    nodes_unlock(n);
}

static void node_answer(struct mock *m, const char *line, char *out, size_t cap)
{
    struct pair_of_nodes *n = m->arg;
    bool keyed =
        strncmp(line, "GET ", 4) == 0 || strncmp(line, "SSUBSCRIBE ", 11) == 0;

    if (strcmp(line, "CLUSTER SLOTS") == 0)
        snprintf(out, cap, "%s", n->map);
    else if (strcmp(line, "ASKING") == 0)
        snprintf(out, cap, "+OK\r\n");
    else if (keyed && m == &n->a && n->at_a[0])
        snprintf(out, cap, "%s", n->at_a);
    else if (strncmp(line, "GET ", 4) == 0)
        snprintf(out, cap, "+%s\r\n", m->name);
    else
        mock_subscribes(m, line, out, cap);
}

/* Of "foo" the slot is 12182, of "bar" 5061. */
static void begin_nodes(struct pair_of_nodes *n)
{
    *n = (struct pair_of_nodes){
        .a = { .name = "A", .answer = node_answer, .arg = n },
        .b = { .name = "B", .answer = node_answer, .arg = n },
    };
    mock_begin(&n->a);
    mock_begin(&n->b);
    map_split(n, 8192);
}

/* It may read the map from now on. */
static void begin_client(const struct pair_of_nodes *n, struct redis_peer *p)
{
    char url[64];

    snprintf(url, sizeof(url), "redis+cluster://127.0.0.1:%u", n->a.port);
    redis_init(p);
    redis_begin_url(p, url, (struct redis_times){ 0 });
}

static void begin(struct pair_of_nodes *n, struct redis_peer *p)
{
    begin_nodes(n);
    begin_client(n, p);
}

static void end(struct pair_of_nodes *n, struct redis_peer *p)
{
    redis_end(p);
    mock_end(&n->a);
    mock_end(&n->b);
}

/* GET of a key, as its node answers. */
static void get(struct redis_peer *p, const char *key, const char *from)
{
    struct redis_asked a = { .key = key };
    char line[64];

    snprintf(line, sizeof(line), "GET %s", key);
    redis_ask(&a, p, line, 0);
    redis_expect(&a, from);
}

/* Once the map is known. */
static void get_until(struct redis_peer *p, const char *key, const char *from)
{
    int64_t until = patience();
    bool there = false;

    while (!there) {
        struct redis_asked a = { .key = key };

        assert_true(ws_now() < until);
        redis_ask(&a, p, "GET any", 0);
        ws_join(a.fiber);
        assert_int_equal(a.code, 0);
        there = strcmp(a.reply->str, from) == 0;
        ws__redis_reply_free(a.reply);
    }
}

/* ---- Cases -------------------------------------------------------------- */

static void a_key_is_asked_for_where_it_is(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    get_until(&p, "foo", "B");
    for (int i = 0; i < 3; i++) {
        get(&p, "bar", "A");
        get(&p, "{foo}bar", "B");
    }
    assert_false(mock_was_asked(&n.b, "GET bar"));
    get_until(&p, NULL, "A"); /* whoever is first */
    assert_true(ws__redis_is_cluster(p.client));
    end(&n, &p);
}

static void who_hears_that_a_slot_has_moved_goes_there(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    get(&p, "bar", "A");
    at_a(&n, "MOVED", 5061, &n.b);
    map_split(&n, 5061);
    get(&p, "bar", "B");
    at_a(&n, "", 0, NULL);
    get(&p, "bar", "B");
    mock_expect_asked(&n.a, "GET bar;GET bar;");
    end(&n, &p);
}

/* It does not know by which name it is reached, or is told not to say. */
static void a_host_that_is_not_named_is_the_one_that_answers(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    get(&p, "bar", "A");
    nodes_lock(&n);
    snprintf(n.at_a, sizeof(n.at_a), "-ASK 5061 :%u\r\n", n.b.port);
    nodes_unlock(&n);
    get(&p, "bar", "B");
    end(&n, &p);
}

/* Once: the next time it is asked at home. */
static void who_is_to_ask_elsewhere_says_so(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    get(&p, "bar", "A");
    at_a(&n, "ASK", 5061, &n.b);
    get(&p, "bar", "B");
    assert_true(mock_was_asked(&n.b, "ASKING;GET bar;"));
    at_a(&n, "", 0, NULL);
    get(&p, "bar", "A");
    end(&n, &p);
}

/* It is not in the map, and nobody has told of it. */
static void a_node_that_was_never_seen_is_asked(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin_nodes(&n);
    map_all_at_a(&n);
    begin_client(&n, &p);
    get(&p, "foo", "A");
    at_a(&n, "ASK", 12182, &n.b);
    get(&p, "foo", "B");
    end(&n, &p);
}

static void two_that_send_for_each_other_end_at_the_deadline(void **state)
{
    struct redis_asked a = { .key = "bar" };
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    get(&p, "bar", "A");
    at_a(&n, "MOVED", 5061, &n.a);
    redis_ask(&a, &p, "GET bar", 100);
    ws_join(a.fiber);
    assert_int_equal(a.code, WS_ERR_TIMEOUT);
    at_a(&n, "ASK", 5061, &n.a);
    redis_ask(&a, &p, "GET bar", 100);
    ws_join(a.fiber);
    assert_int_equal(a.code, WS_ERR_TIMEOUT);
    assert_true(strlen(n.a.asked) < 1000); /* it has not hurried */
    end(&n, &p);
}

static void what_waits_for_a_node_that_is_gone_goes_to_who_has_its_slots(
    void **state)
{
    struct redis_asked a = { .key = "foo" };
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    get_until(&p, "foo", "B");
    mock_end(&n.b);
    for (;;) { /* until it is known to be gone, and nothing has been sent */
        redis_ask(&a, &p, "GET foo", 50);
        ws_join(a.fiber);
        if (a.code == WS_ERR_TIMEOUT && !a.done)
            break;
    }
    redis_ask(&a, &p, "GET foo", 0);
    map_all_at_a(&n);
    redis_expect(&a, "A");
    end(&n, &p);
}

static void a_map_that_is_none_is_asked_for_again(void **state)
{
    static const char *const maps[] = {
        "-ERR This instance has cluster support disabled\r\n",
        "*0\r\n",
        "+OK\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        ("*2\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\na\r\n:1\r\n"
         "*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n"),
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:0\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(maps); i++) {
        struct pair_of_nodes n;
        struct redis_peer p;

        begin(&n, &p);
        mock_expect_asked(&n.a, "CLUSTER SLOTS;");
        at_a(&n, "MOVED", 5061, &n.b);
        map_is(&n, maps[i]);
        get(&p, "bar", "B");
        mock_expect_asked(&n.a, "GET bar;CLUSTER SLOTS;");
        map_split(&n, 8192);
        at_a(&n, "", 0, NULL);
        get_until(&p, "bar", "A");
        end(&n, &p);
    }
}

static void a_channel_is_listened_to_where_its_slot_is(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    assert_int_equal(ws__redis_subscribe(p.client, ws__str("bar")), 0);
    redis_expect_heard(&p, "subscribed bar;");
    assert_int_equal(ws__redis_subscribe(p.client, ws__str("foo")), 0);
    redis_expect_heard(&p, "subscribed bar;subscribed foo;");
    mock_expect_asked(&n.a, "SSUBSCRIBE bar;");
    mock_expect_asked(&n.b, "SSUBSCRIBE foo;");
    mock_push(&n.b, "*3\r\n$8\r\nsmessage\r\n$3\r\nfoo\r\n$1\r\nm\r\n");
    redis_expect_heard(&p, "subscribed bar;subscribed foo;message foo m;");
    ws__redis_unsubscribe(p.client, ws__str("foo"));
    mock_expect_asked(&n.b, "SUNSUBSCRIBE foo;");
    end(&n, &p);
}

static void a_channel_moves_with_its_slot(void **state)
{
    struct pair_of_nodes n;
    struct redis_peer p;

    (void)state;
    begin(&n, &p);
    assert_int_equal(ws__redis_subscribe(p.client, ws__str("bar")), 0);
    redis_expect_heard(&p, "subscribed bar;");
    at_a(&n, "MOVED", 5061, &n.b);
    map_split(&n, 5061);
    mock_push(&n.a, "*3\r\n$12\r\nsunsubscribe\r\n$3\r\nbar\r\n:0\r\n");
    redis_expect_heard(&p, "subscribed bar;lost bar;subscribed bar;");
    mock_expect_asked(&n.b, "SSUBSCRIBE bar;");
    end(&n, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_asked_for_where_it_is),
        cmocka_unit_test(who_hears_that_a_slot_has_moved_goes_there),
        cmocka_unit_test(a_host_that_is_not_named_is_the_one_that_answers),
        cmocka_unit_test(who_is_to_ask_elsewhere_says_so),
        cmocka_unit_test(a_node_that_was_never_seen_is_asked),
        cmocka_unit_test(two_that_send_for_each_other_end_at_the_deadline),
        cmocka_unit_test(
            what_waits_for_a_node_that_is_gone_goes_to_who_has_its_slots),
        cmocka_unit_test(a_map_that_is_none_is_asked_for_again),
        cmocka_unit_test(a_channel_is_listened_to_where_its_slot_is),
        cmocka_unit_test(a_channel_moves_with_its_slot),
    };

    alloc_fail_install();
    return run_in_mode("redis_cluster", tests, NULL, NULL);
}
