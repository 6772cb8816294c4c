/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "descriptors.h"
#include "io/eyeballs.h"
#include "mode.h"

enum { LONG = 60000 };

/* ---- The system, as the tests want it ----------------------------------- */

static int tried[64]; /* the families of the attempts */
static atomic_int attempts;
static ws_event *set_at_second; /* attempt; may be NULL */
static atomic_bool hurried;     /* each look at the clock takes a second, */
static atomic_int seconds;
static int late_at; /* and this attempt a minute; 0: none */

/* Stands before the C library's. */
int socket(int family, int type, int protocol)
{
    int (*real)(int, int, int);
    int n = atomic_fetch_add(&attempts, 1);

    if (n < (int)COUNT(tried))
        tried[n] = family;
    if (n == 1 && set_at_second)
        ws_event_set(set_at_second);
    if (late_at > 0 && n == late_at - 1)
        atomic_fetch_add(&seconds, LONG / 1000);
    *(void **)&real = dlsym(RTLD_NEXT, "socket");
    return real(family, type, protocol);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int (*real)(clockid_t, struct timespec *);

    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, ts);
    if (hurried)
        ts->tv_sec += atomic_fetch_add(&seconds, 1);
    return r;
}

/* For the loop of fibers looks at the clock only after it slept. */
int epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
    int (*real)(int, struct epoll_event *, int, int);

    *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    return real(fd, events, n, hurried && ms > 1 ? 1 : ms);
}

static int reset(void **state)
{
    (void)state;
    atomic_store(&attempts, 0);
    set_at_second = NULL;
    hurried = false;
    late_at = 0;
    return 0;
}

/* ---- Addresses ---------------------------------------------------------- */

/* LIVE listens; nobody does at REFUSING; SILENT's queue is full, so an attempt
 * there neither comes about nor fails. */
enum kind { LIVE, REFUSING, SILENT, KINDS };

static struct sockaddr_in places[KINDS];
static int listeners[KINDS];
static int crowd[4];

static int open_places(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct sockaddr_in in = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        listeners[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listeners[i], (struct sockaddr *)&in, sizeof(in)) != 0 ||
            (i != REFUSING && listen(listeners[i], i == LIVE ? 64 : 0) != 0))
            return -1;
        getsockname(listeners[i], (struct sockaddr *)&places[i],
                    &(socklen_t){ sizeof(in) });
    }
    for (size_t i = 0; i < COUNT(crowd); i++) {
        crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(crowd[i], (struct sockaddr *)&places[SILENT],
                sizeof(places[SILENT]));
    }
    return 0;
}

static int close_places(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++)
        close(listeners[i]);
    for (size_t i = 0; i < COUNT(crowd); i++)
        close(crowd[i]);
    return 0;
}

struct names {
    struct addrinfo list[64];
    size_t n;
};

static void add(struct names *names, struct sockaddr *addr, socklen_t len)
{
    names->list[names->n++] = (struct addrinfo){
        .ai_family = addr->sa_family,
        .ai_addr = addr,
        .ai_addrlen = len,
    };
}

static struct names names_of(const enum kind *kinds, size_t n)
{
    struct names names = { .n = 0 };

    for (size_t i = 0; i < n; i++)
        add(&names, (struct sockaddr *)&places[kinds[i]], sizeof(*places));
    return names;
}

#define NAMES(...)                                                             \
    names_of((const enum kind[]){ __VA_ARGS__ },                               \
             COUNT(((const enum kind[]){ __VA_ARGS__ })))

static int race(const struct names *names, int64_t deadline, ws_event *cancel)
{
    struct names linked = *names;

    for (size_t i = 1; i < linked.n; i++)
        linked.list[i - 1].ai_next = &linked.list[i];
    return ws__connect_any(linked.list, deadline, cancel);
}

static void assert_is(int fd, enum kind kind)
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);

    assert_true(fd >= 0);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&in, &len), 0);
    assert_int_equal(in.sin_port, places[kind].sin_port);
    close(fd);
}

/* ---- Tests -------------------------------------------------------------- */

static void the_first_address_that_answers_counts(void **state)
{
    (void)state;
    const struct names rows[] = {
        NAMES(LIVE),
        NAMES(LIVE, LIVE),
        NAMES(LIVE, SILENT),
        NAMES(REFUSING, LIVE),
        NAMES(REFUSING, REFUSING, REFUSING, LIVE, SILENT),
    };
    int before = descriptors_open();

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_is(race(&rows[i], 0, NULL), LIVE);
    assert_int_equal(descriptors_open(), before);
}

static void connect_past_a_silent_one(void *arg)
{
    const struct names names = NAMES(SILENT, LIVE);

    *(int *)arg = race(&names, 0, NULL);
}

/* Without a deadline, so that nothing else ends the silence. */
static void a_silent_first_address_is_passed_over(void **state)
{
    (void)state;
    int before = descriptors_open();
    int fd = -1;

    connect_past_a_silent_one(&fd);
    assert_is(fd, LIVE);
    mode_in_fiber(connect_past_a_silent_one, &fd);
    assert_is(fd, LIVE);
    assert_int_equal(descriptors_open(), before);
}

static void the_first_failure_is_told(void **state)
{
    (void)state;
    const struct names names = NAMES(REFUSING, REFUSING);

    assert_int_equal(race(&names, 0, NULL), -ECONNREFUSED);
    assert_int_equal(atomic_load(&attempts), 2);
}

static void addresses_of_no_use_are_passed_over(void **state)
{
    (void)state;
    struct names names = { .n = 0 };
    struct sockaddr unknown = { .sa_family = AF_MAX };

    add(&names, &unknown, sizeof(unknown));
    assert_int_equal(race(&names, 0, NULL), -EAFNOSUPPORT);
    add(&names, &unknown, sizeof(unknown));
    assert_int_equal(race(&names, 0, NULL), -EAFNOSUPPORT);
    add(&names, (struct sockaddr *)&places[LIVE], sizeof(*places));
    assert_is(race(&names, 0, NULL), LIVE);
}

static void families_take_turns(void **state)
{
    (void)state;
    static const struct {
        int listed[7];
        int tried[7];
    } rows[] = {
        { { 6, 6, 6, 4, 4 }, { 6, 4, 6, 4, 6 } },
        { { 4, 4, 6, 6, 6, 4 }, { 4, 6, 4, 6, 4, 6 } },
        { { 6, 4, 4, 4 }, { 6, 4, 4, 4 } },
        { { 4, 4, 4, 6 }, { 4, 6, 4, 4 } },
        { { 6, 6 }, { 6, 6 } },
    };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                .sin6_port = places[REFUSING].sin_port };

    /* RFC 8305, section 4. */
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct names names = { .n = 0 };

        atomic_store(&attempts, 0);
        for (int k = 0; rows[i].listed[k]; k++) {
            bool v6 = rows[i].listed[k] == 6;
            add(&names,
                v6 ? (struct sockaddr *)&in6
                   : (struct sockaddr *)&places[REFUSING],
                v6 ? sizeof(in6) : sizeof(*places));
        }
        assert_true(race(&names, 0, NULL) < 0);
        assert_int_equal(atomic_load(&attempts), names.n);
        for (size_t k = 0; k < names.n; k++)
            assert_int_equal(tried[k],
                             rows[i].tried[k] == 6 ? AF_INET6 : AF_INET);
    }
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    const struct names names = NAMES(SILENT, REFUSING, SILENT);
    int before = descriptors_open();
    int64_t deadline = ws_after(20);

    assert_int_equal(race(&names, deadline, NULL), WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
    assert_int_equal(descriptors_open(), before);
}

static void every_address_is_tried_before_a_later_deadline(void **state)
{
    (void)state;
    const struct names names = NAMES(SILENT, SILENT, SILENT);

    hurried = true;
    late_at = 3;
    assert_int_equal(race(&names, ws_after(LONG), NULL), WS_ERR_TIMEOUT);
    assert_int_equal(atomic_load(&attempts), 3);
}

static void cancel_between_attempts(void *arg)
{
    const struct names names = NAMES(SILENT, SILENT, SILENT);

    *(int *)arg = race(&names, 0, set_at_second);
}

static void assert_cancel_ends_them(bool in_a_fiber)
{
    ws_event cancel = { 0 };
    int fd = 0;

    atomic_store(&attempts, 0);
    set_at_second = &cancel;
    if (!in_a_fiber)
        cancel_between_attempts(&fd);
    else
        mode_in_fiber(cancel_between_attempts, &fd);
    assert_int_equal(fd, WS_ERR_CANCELED);
    assert_int_equal(atomic_load(&attempts), 2);
}

static void cancel_ends_all_attempts(void **state)
{
    (void)state;

    /* What the runtime keeps for later waits is there after the first. */
    assert_cancel_ends_them(false);
    assert_cancel_ends_them(true);
    int before = descriptors_open();
    assert_cancel_ends_them(false);
    assert_cancel_ends_them(true);
    assert_int_equal(descriptors_open(), before);
}

/* A resolver may name any number. */
static void many_silent_addresses_hold_few_descriptors(void **state)
{
    (void)state;
    static enum kind kinds[50];
    struct rlimit limit, few;
    int before = descriptors_open();

    for (size_t i = 0; i < COUNT(kinds); i++)
        kinds[i] = i + 1 < COUNT(kinds) ? SILENT : LIVE;
    const struct names names = names_of(kinds, COUNT(kinds));

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)before + 20;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    hurried = true;
    int fd = race(&names, 0, NULL);
    hurried = false;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_is(fd, LIVE);
    assert_int_equal(descriptors_open(), before);
}

static void a_lack_of_descriptors_is_told(void **state)
{
    (void)state;
    const struct names rows[] = { NAMES(LIVE), NAMES(LIVE, LIVE) };
    struct rlimit limit, none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int r = race(&rows[i], 0, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(r, -EMFILE);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_address_that_answers_counts),
        TEST(a_silent_first_address_is_passed_over),
        TEST(the_first_failure_is_told),
        TEST(addresses_of_no_use_are_passed_over),
        TEST(families_take_turns),
        TEST(silence_ends_at_the_deadline),
        TEST(every_address_is_tried_before_a_later_deadline),
        TEST(cancel_ends_all_attempts),
        TEST(many_silent_addresses_hold_few_descriptors),
        TEST(a_lack_of_descriptors_is_told),
    };

    return run_in_mode("eyeballs", tests, open_places, close_places);
}
