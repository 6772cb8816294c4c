/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/buf.h"

enum { LENT = 128 };

static struct ws__pool pool = { .make = ws__alloc,
                                .destroy = ws_free,
                                .size = LENT };

static void a_zeroed_buffer_is_empty(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };

    assert_int_equal(ws__buf_used(&b), 0);
    assert_int_equal(ws__buf_room(&b), 0);
    ws__buf_release(&b, &pool);
    assert_null(b.begin);
}

static void lent_memory_goes_back(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };

    assert_int_equal(ws__buf_lend(&b, &pool), 0);
    assert_int_equal(ws__buf_size(&b), LENT);
    uint8_t *memory = b.begin;
    ws__buf_append(&b, "abc", 3);
    assert_int_equal(ws__buf_used(&b), 3);
    ws__buf_release(&b, &pool);
    assert_int_equal(pool.count, 1);
    assert_int_equal(ws__buf_lend(&b, &pool), 0);
    assert_ptr_equal(b.begin, memory);
    ws__buf_release(&b, &pool);
    ws__pool_fini(&pool);
}

static void room_is_made_by_moving_before_growing(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };

    assert_int_equal(ws__buf_lend(&b, &pool), 0);
    uint8_t *memory = b.begin;
    for (int i = 0; i < LENT; i++)
        ws__buf_append(&b, "x", 1);
    b.pos += LENT - 2;
    memcpy(b.pos, "yz", 2);
    assert_int_equal(ws__buf_reserve(&b, LENT - 2, 4096, &pool), 0);
    assert_ptr_equal(b.begin, memory);
    assert_memory_equal(b.pos, "yz", 2);
    assert_int_equal(ws__buf_reserve(&b, LENT - 1, 4096, &pool), 0);
    assert_int_equal(ws__buf_size(&b), 2 * LENT);
    assert_memory_equal(b.pos, "yz", 2);
    assert_false(b.lent);
    assert_int_equal(pool.count, 1);
    ws__buf_release(&b, &pool);
    ws__pool_fini(&pool);
}

static void growing_stops_at_the_maximum(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };

    assert_int_equal(ws__buf_reserve(&b, 100, 100, &pool), 0);
    assert_int_equal(ws__buf_size(&b), 100);
    b.last += 100;
    assert_int_equal(ws__buf_reserve(&b, 100, 300, &pool), 0);
    assert_int_equal(ws__buf_size(&b), 256);
    assert_int_equal(ws__buf_reserve(&b, SIZE_MAX, SIZE_MAX, &pool), -ENOMEM);
    ws__buf_release(&b, &pool);
}

static void resizing_keeps_the_bytes(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };

    assert_int_equal(ws__buf_lend(&b, &pool), 0);
    ws__buf_append(&b, "abcde", 5);
    b.pos += 2;
    assert_int_equal(ws__buf_resize(&b, 1, &pool), 0);
    assert_int_equal(ws__buf_size(&b), 64);
    assert_int_equal(ws__buf_used(&b), 3);
    assert_memory_equal(b.pos, "cde", 3);
    ws__buf_release(&b, &pool);
    ws__pool_fini(&pool);
}

static void memory_is_given_back_bit_by_bit(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };
    int times = 0;

    assert_int_equal(ws__buf_lend(&b, &pool), 0);
    assert_false(ws__buf_shrink(&b, 1)); /* it is the pool's */
    ws__buf_append(&b, "abc", 3);
    assert_int_equal(ws__buf_resize(&b, 1000, &pool), 0);
    for (; ws__buf_shrink(&b, 100); times++)
        assert_int_equal(ws__buf_size(&b), 1024 - 100 * (times + 1));
    assert_int_equal(times, 10);
    assert_int_equal(ws__buf_used(&b), 0);
    ws__buf_release(&b, &pool);
    ws__pool_fini(&pool);
}

static void an_allocation_failure_leaves_the_bytes(void **state)
{
    (void)state;
    struct ws__buf b = { 0 };

    alloc_fail_at(1);
    assert_int_equal(ws__buf_lend(&b, &pool), -ENOMEM);
    alloc_fail_at(0);
    assert_null(b.begin);
    assert_int_equal(ws__buf_lend(&b, &pool), 0);
    ws__buf_append(&b, "abc", 3);
    alloc_fail_from(1);
    assert_int_equal(ws__buf_reserve(&b, LENT, 4096, &pool), -ENOMEM);
    assert_int_equal(ws__buf_resize(&b, LENT, &pool), -ENOMEM);
    alloc_fail_at(0);
    assert_int_equal(ws__buf_used(&b), 3);
    assert_memory_equal(b.pos, "abc", 3);
    ws__buf_release(&b, &pool);
    ws__pool_fini(&pool);
    assert_int_equal(alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_buffer_is_empty),
        cmocka_unit_test(lent_memory_goes_back),
        cmocka_unit_test(room_is_made_by_moving_before_growing),
        cmocka_unit_test(memory_is_given_back_bit_by_bit),
        cmocka_unit_test(growing_stops_at_the_maximum),
        cmocka_unit_test(resizing_keeps_the_bytes),
        cmocka_unit_test(an_allocation_failure_leaves_the_bytes),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
