/* SPDX-License-Identifier: MIT */

/* unload_test LIBRARY: what goes on after a program has closed the library. */

#include "test.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include <silverback/fiber.h>

enum { LONG = 60000 };

static const char *path;

/* What is used of it. */
static __typeof__(&ws_run) run;
static __typeof__(&ws_blocking) blocking;
static __typeof__(&ws_event_set) event_set;
static __typeof__(&ws_event_wait) event_wait;
static __typeof__(&ws_notify) notify;
static __typeof__(&ws_after) after;

static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    assert_non_null(found);
    *(void **)function = found;
}

static void *load(void)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        fail_msg("%s", dlerror());
    find(library, "ws_run", &run);
    find(library, "ws_blocking", &blocking);
    find(library, "ws_event_set", &event_set);
    find(library, "ws_event_wait", &event_wait);
    find(library, "ws_notify", &notify);
    find(library, "ws_after", &after);
    return library;
}

static int nothing(void *arg)
{
    (void)arg;
    return 42;
}

/* Leaves a helper, and the thread that looks after workers. */
static void use_helper(void *result)
{
    *(int *)result = blocking(nothing, NULL);
}

static pthread_barrier_t used, closed;

/* Leaves what is put away when the thread ends. */
static void *wait_here(void *result)
{
    ws_event never = { { 0 } };

    *(int *)result = event_wait(&never, after(1));
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&closed);
    return NULL;
}

static void nothing_of_it_goes_while_it_may_be_needed(void **state)
{
    (void)state;
    void *library = load();
    ws_event usr1 = { { 0 } };
    int result = 0, waited = 0;
    pthread_t t;

    assert_int_equal(run(use_helper, &result), 0);
    assert_int_equal(result, 42);
    assert_int_equal(notify(&usr1, SIGUSR1), 0);
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    assert_int_equal(pthread_create(&t, NULL, wait_here, &waited), 0);
    pthread_barrier_wait(&used);
    assert_int_equal(waited, WS_ERR_TIMEOUT);

    assert_int_equal(dlclose(library), 0);
    pthread_barrier_wait(&closed);
    assert_int_equal(pthread_join(t, NULL), 0);
    raise(SIGUSR1);
    assert_int_equal(event_wait(&usr1, after(LONG)), 0);
    assert_int_equal(notify(NULL, SIGUSR1), 0);
    library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    dlclose(library);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_it_goes_while_it_may_be_needed),
    };

    if (argc != 2)
        return 2;
    path = argv[1];
    return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
