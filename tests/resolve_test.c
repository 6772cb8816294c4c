/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "alloc_fail.h"
#include "io/resolve.h"
#include "mode.h"

enum { LONG = 60000 };

static ws_event gate;     /* what slow.test waits for */
static ws_event asked;    /* somebody asks for slow.test */
static ws_event returned; /* an answer was freed */
static atomic_int in_numbers, by_name;

static int real(const char *host, const char *port,
                const struct addrinfo *hints, struct addrinfo **list)
{
    int (*fn)(const char *, const char *, const struct addrinfo *,
              struct addrinfo **);

    *(void **)&fn = dlsym(RTLD_NEXT, "getaddrinfo");
    return fn(host, port, hints, list);
}

/* Stands before the C library's: hosts that end in .test are known here. */
int getaddrinfo(const char *host, const char *port,
                const struct addrinfo *hints, struct addrinfo **list)
{
    if (hints->ai_flags & AI_NUMERICHOST) {
        atomic_fetch_add(&in_numbers, 1);
        return real(host, port, hints, list);
    }
    atomic_fetch_add(&by_name, 1);
    if (strcmp(host, "gone.test") == 0)
        return EAI_NONAME;
    if (strcmp(host, "memory.test") == 0)
        return EAI_MEMORY;
    if (strcmp(host, "system.test") == 0) {
        errno = EXDEV;
        return EAI_SYSTEM;
    }
    if (strstr(host, "slow.test")) {
        ws_event_set(&asked);
        ws_event_wait(&gate, 0);
    }
    return real("127.0.0.1", port, hints, list);
}

void freeaddrinfo(struct addrinfo *list)
{
    void (*fn)(struct addrinfo *);

    *(void **)&fn = dlsym(RTLD_NEXT, "freeaddrinfo");
    fn(list);
    ws_event_set(&returned);
}

static int reset(void **state)
{
    (void)state;
    ws_event_clear(&gate);
    ws_event_clear(&asked);
    ws_event_clear(&returned);
    atomic_store(&in_numbers, 0);
    atomic_store(&by_name, 0);
    return 0;
}

static void assert_ipv4(const struct addrinfo *a, const char *addr, int port)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)a->ai_addr;
    char text[INET_ADDRSTRLEN];

    assert_int_equal(a->ai_family, AF_INET);
    assert_int_equal(a->ai_socktype, SOCK_STREAM);
    assert_int_equal(ntohs(in->sin_port), port);
    assert_string_equal(inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)),
                        addr);
}

/* Helpers let go of what was given up.  Returns what lives then. */
static long settled(long live)
{
    for (int64_t end = ws_after(LONG); mode_live() != live && ws_now() < end;)
        ws_sleep(1);
    return mode_live();
}

static long all_over(long live)
{
    ws_event_set(&gate);
    return settled(live);
}

static void addresses_in_numbers_ask_nobody(void **state)
{
    (void)state;
    static const char *const hosts[] = { "192.0.2.7", "2001:db8::7" };
    ws_event canceled = { 0 };

    ws_event_set(&canceled);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct addrinfo *list = NULL;

        assert_int_equal(
            ws__resolve(hosts[i], "8080", 1, &canceled, &list, NULL), 0);
        assert_non_null(list);
        if (i == 0)
            assert_ipv4(list, hosts[i], 8080);
        ws__resolve_free(list);
    }
    assert_int_equal(atomic_load(&by_name), 0);
}

static void a_name_is_looked_up(void **state)
{
    (void)state;
    struct addrinfo *list = NULL;
    ws_error err = { 0 };
    long live = mode_live();

    assert_int_equal(
        ws__resolve("fast.test", "80", ws_after(LONG), NULL, &list, &err), 0);
    assert_int_equal(err.code, 0);
    assert_ipv4(list, "127.0.0.1", 80);
    ws__resolve_free(list);
    assert_int_equal(mode_live(), live);
    assert_int_equal(atomic_load(&by_name), 1);
}

static void free_takes_null(void **state)
{
    (void)state;
    ws__resolve_free(NULL);
}

static void a_failure_comes_in_the_resolvers_words(void **state)
{
    (void)state;
    struct addrinfo *list = NULL;
    ws_error err = { 0 };

    assert_int_equal(ws__resolve("gone.test", "80", 0, NULL, &list, &err),
                     WS_ERR_RESOLVE);
    assert_null(list);
    assert_int_equal(err.code, WS_ERR_RESOLVE);
    assert_non_null(strstr(err.text, "gone.test:80"));
    assert_non_null(strstr(err.text, gai_strerror(EAI_NONAME)));

    err.code = 0;
    assert_int_equal(ws__resolve("system.test", "80", 0, NULL, &list, &err),
                     WS_ERR_RESOLVE);
    assert_non_null(strstr(err.text, ws_strerror(-EXDEV)));

    assert_int_equal(ws__resolve("memory.test", "80", 0, NULL, &list, NULL),
                     -ENOMEM);
}

/* The answer comes later, and nobody is there to take it. */
static void assert_left_behind_frees_itself(long live)
{
    assert_int_equal(ws_event_wait(&asked, ws_after(LONG)), 0);
    assert_false(mode_live() == live);
    ws_event_set(&gate);
    assert_int_equal(ws_event_wait(&returned, ws_after(LONG)), 0);
    assert_int_equal(settled(live), live);
}

static void resolve_in_vain(int ms)
{
    struct addrinfo *list = NULL;
    ws_error err = { 0 };
    int64_t deadline = ws_after(ms);

    assert_int_equal(
        ws__resolve("slow.test", "80", deadline, NULL, &list, &err),
        WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
    assert_int_equal(err.code, WS_ERR_TIMEOUT);
    assert_null(list);
}

/* A helper that is late finds that nobody wants it any more. */
static void a_deadline_leaves_the_look_up_behind(void **state)
{
    (void)state;
    long live = mode_live();

    for (int ms = 20; !ws_event_is_set(&asked) && ms < LONG; ms *= 2)
        resolve_in_vain(ms);
    assert_left_behind_frees_itself(live);
}

static void cancel_when_asked(void *cancel)
{
    ws_event_wait(&asked, 0);
    ws_event_set(cancel);
}

static void a_cancel_leaves_the_look_up_behind(void **state)
{
    (void)state;
    struct addrinfo *list = NULL;
    ws_event cancel = { 0 };
    long live = mode_live();
    ws_fiber *canceler = ws_go(cancel_when_asked, &cancel);

    assert_non_null(canceler);
    assert_int_equal(ws__resolve("slow.test", "80", 0, &cancel, &list, NULL),
                     WS_ERR_CANCELED);
    assert_null(list);
    ws_join(canceler);
    assert_left_behind_frees_itself(live);
}

static void open_gate_when_asked(void *arg)
{
    (void)arg;
    ws_event_wait(&asked, 0);
    ws_event_set(&gate);
}

static void a_slow_answer_is_waited_for(void **state)
{
    (void)state;
    struct addrinfo *list = NULL;
    ws_event cancel = { 0 };
    ws_fiber *opener = ws_go(open_gate_when_asked, NULL);

    assert_non_null(opener);
    assert_int_equal(ws__resolve("slow.test", "80", 0, &cancel, &list, NULL),
                     0);
    ws_join(opener);
    ws__resolve_free(list);
}

/* Whoever lets go last, everything is freed. */
static void answers_and_cancels_may_race(void **state)
{
    (void)state;
    long live = mode_live();

    for (int i = 0; i < 50; i++) {
        struct addrinfo *list = NULL;

        int r =
            ws__resolve("fast.test", "80", ws_after(i % 2), NULL, &list, NULL);
        assert_true(r == 0 || r == WS_ERR_TIMEOUT);
        ws__resolve_free(list);
    }
    assert_int_equal(settled(live), live);
}

static void every_allocation_failure_is_survived(void **state)
{
    (void)state;
    struct addrinfo *list = NULL;
    long live = mode_live();
    bool failed = true;

    for (long n = 1; failed; n++) {
        ws_error err = { 0 };

        alloc_fail_at(n);
        int r = ws__resolve("fast.test", "80", 0, NULL, &list, &err);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(err.code, r);
    }
    ws__resolve_free(list);
    assert_int_equal(mode_live(), live);
}

/* ---- A resolver that does not answer ------------------------------------ */

/* Once its helper has asked. */
static void give_up(const char *host)
{
    struct addrinfo *list = NULL;

    ws_event_clear(&asked);
    assert_int_equal(
        ws__resolve(host, "80", ws_after(LONG), &asked, &list, NULL),
        WS_ERR_CANCELED);
}

static void give_up_many(int n)
{
    for (int i = 0; i < n; i++) {
        char host[32];

        snprintf(host, sizeof(host), "%d.slow.test", i);
        give_up(host);
    }
}

/* Nobody else asks for it. */
static void give_up_in_vain(const char *host)
{
    struct addrinfo *list = NULL;

    assert_int_equal(ws__resolve(host, "80", ws_after(1), NULL, &list, NULL),
                     WS_ERR_TIMEOUT);
}

/* As many as handlers have helpers. */
static void names_that_were_given_up_hold_nobody_up(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct addrinfo *list = NULL;
    long live = mode_live();

    give_up_many(MANY);
    assert_int_equal(
        ws__resolve("fast.test", "80", ws_after(LONG), NULL, &list, NULL), 0);
    ws__resolve_free(list);
    assert_int_equal(all_over(live), live);
}

static void no_more_are_asked_for_than_there_are_helpers(void **state)
{
    (void)state;
    enum { HELPERS = 256 };
    long live = mode_live();

    give_up_many(HELPERS);
    for (int i = 0; i < 20; i++)
        give_up_in_vain(i % 2 ? "more.slow.test" : "fast.test");
    assert_int_equal(all_over(live), live);
    assert_int_equal(atomic_load(&by_name), HELPERS);
}

static void a_name_that_was_given_up_is_not_asked_for_again(void **state)
{
    (void)state;
    long live = mode_live();

    give_up("slow.test");
    for (int i = 0; i < 20; i++)
        give_up_in_vain("slow.test");
    assert_int_equal(all_over(live), live);
    assert_int_equal(atomic_load(&by_name), 1);
}

struct slow_look_up {
    const char *port;
    int result;
};

static void resolve_slow(void *arg)
{
    struct slow_look_up *l = arg;
    struct addrinfo *list = NULL;

    l->result =
        ws__resolve("slow.test", l->port, ws_after(LONG), NULL, &list, NULL);
    assert_ipv4(list, "127.0.0.1", atoi(l->port));
    ws__resolve_free(list);
}

static void all_who_want_a_name_have_its_answer(void **state)
{
    (void)state;
    enum { MANY = 20 };
    ws_fiber *f[MANY];
    struct slow_look_up l[MANY];

    for (int i = 0; i < MANY; i++) {
        l[i] = (struct slow_look_up){ "80", -1 };
        f[i] = mode_go(resolve_slow, &l[i]);
        assert_non_null(f[i]);
    }
    assert_int_equal(ws_event_wait(&asked, ws_after(LONG)), 0);
    ws_event_set(&gate);
    for (int i = 0; i < MANY; i++) {
        ws_join(f[i]);
        assert_int_equal(l[i].result, 0);
    }
}

static void but_not_the_port_of_others(void **state)
{
    (void)state;
    struct slow_look_up l[] = { { "80", -1 }, { "81", -1 } };
    ws_fiber *f[] = { mode_go(resolve_slow, &l[0]),
                      mode_go(resolve_slow, &l[1]) };

    for (int64_t limit = ws_after(LONG); atomic_load(&by_name) < 2;) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
    }
    ws_event_set(&gate);
    for (size_t i = 0; i < COUNT(l); i++) {
        ws_join(f[i]);
        assert_int_equal(l[i].result, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses_in_numbers_ask_nobody),
        TEST(a_name_is_looked_up),
        TEST(free_takes_null),
        TEST(a_failure_comes_in_the_resolvers_words),
        TEST(a_deadline_leaves_the_look_up_behind),
        TEST(a_cancel_leaves_the_look_up_behind),
        TEST(a_slow_answer_is_waited_for),
        TEST(answers_and_cancels_may_race),
        TEST(every_allocation_failure_is_survived),
        TEST(names_that_were_given_up_hold_nobody_up),
        TEST(no_more_are_asked_for_than_there_are_helpers),
        TEST(a_name_that_was_given_up_is_not_asked_for_again),
        TEST(all_who_want_a_name_have_its_answer),
        TEST(but_not_the_port_of_others),
    };

    alloc_fail_install();
    return run_in_mode("resolve", tests, NULL, NULL);
}
