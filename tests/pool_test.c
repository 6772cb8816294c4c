/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/pool.h"

static int depth, locked;

static void lock(void *mutex)
{
    assert_ptr_equal(mutex, &depth);
    assert_int_equal(depth++, 0);
    locked++;
}

static void unlock(void *mutex)
{
    assert_ptr_equal(mutex, &depth);
    assert_int_equal(--depth, 0);
}

static void the_last_one_put_is_the_next_one_got(void **state)
{
    (void)state;
    struct ws__pool p = { .make = ws__alloc, .destroy = ws_free, .size = 8 };
    void *a = ws__pool_get(&p), *b = ws__pool_get(&p);

    assert_ptr_not_equal(a, b);
    ws__pool_put(&p, a);
    ws__pool_put(&p, b);
    assert_ptr_equal(ws__pool_get(&p), b);
    assert_ptr_equal(ws__pool_get(&p), a);
    ws__pool_put(&p, a);
    ws__pool_put(&p, b);
    ws__pool_fini(&p);
    assert_int_equal(alloc_live(), 0);
}

static void no_more_than_enough_are_kept(void **state)
{
    (void)state;
    struct ws__pool p = { .make = ws__alloc, .destroy = ws_free, .size = 8 };
    void *things[2 * WS__POOL_KEEP];

    for (size_t i = 0; i < COUNT(things); i++)
        things[i] = ws__pool_get(&p);
    for (size_t i = 0; i < COUNT(things); i++)
        ws__pool_put(&p, things[i]);
    assert_int_equal(alloc_live(), WS__POOL_KEEP);
    ws__pool_fini(&p);
    assert_int_equal(alloc_live(), 0);
}

static void a_shared_pool_is_locked_but_not_while_it_makes(void **state)
{
    (void)state;
    struct ws__pool p = { .make = ws__alloc,
                          .destroy = ws_free,
                          .size = 8,
                          .lock = lock,
                          .unlock = unlock,
                          .mutex = &depth };

    locked = 0;
    void *a = ws__pool_get(&p);
    ws__pool_put(&p, a);
    assert_int_equal(locked, 2);
    ws__pool_fini(&p);
    assert_int_equal(depth, 0);
    assert_int_equal(alloc_live(), 0);
}

static void an_allocation_failure_is_null(void **state)
{
    (void)state;
    struct ws__pool p = { .make = ws__alloc, .destroy = ws_free, .size = 8 };

    alloc_fail_at(1);
    assert_null(ws__pool_get(&p));
    alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_put_is_the_next_one_got),
        cmocka_unit_test(no_more_than_enough_are_kept),
        cmocka_unit_test(a_shared_pool_is_locked_but_not_while_it_makes),
        cmocka_unit_test(an_allocation_failure_is_null),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
