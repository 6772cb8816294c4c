/* SPDX-License-Identifier: MIT */

/* What a topic and a subscription take: 10,000 topics of 10 subscribers. */

#include "pair.h"

#include "alloc_fail.h"

enum { TOPICS = 10 * 1000, EACH = 10, TOPIC_MAX = 256, SUBSCRIPTION_MAX = 96 };

static size_t names; /* bytes of them */

static void join_all(ws_hub *h, ws_conn *c, int topics)
{
    char name[32];

    for (int i = 0; i < topics; i++) {
        int n = snprintf(name, sizeof(name), "topic/%d", i);
        assert_int_equal(ws_hub_join(h, c, name, NULL, NULL), 0);
        names += (size_t)n + 1;
    }
}

static void topics_and_subscriptions_are_small(void **state)
{
    (void)state;
    const int topics = rounds(TOPICS);
    ws_hub *h = ws_hub_new(NULL, NULL);
    ws_conn *c[EACH];
    int raw[EACH];

    assert_non_null(h);
    for (int i = 0; i < EACH; i++) {
        c[i] = with_raw(&raw[i], NULL);
        assert_int_equal(ws_hub_join(h, c[i], "all", NULL, NULL), 0);
    }
    long before = alloc_live_bytes();
    join_all(h, c[0], topics);
    long first = alloc_live_bytes();
    size_t of_names = names;
    for (int i = 1; i < EACH; i++)
        join_all(h, c[i], topics);
    double subscription =
        (double)(alloc_live_bytes() - first) / ((EACH - 1) * (double)topics);
    double topic =
        (double)(first - before - (long)of_names) / topics - subscription;
    print_message("# a topic: %.1f bytes, a subscription: %.1f\n", topic,
                  subscription);
    assert_true(topic <= TOPIC_MAX);
    assert_true(subscription <= SUBSCRIPTION_MAX);
    for (int i = 0; i < EACH; i++) {
        close(raw[i]);
        ws_close(c[i]);
    }
    ws_hub_free(h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_and_subscriptions_are_small),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("hub_memory", tests, NULL, NULL);
}
