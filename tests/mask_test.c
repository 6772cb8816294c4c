/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/mask.h"
#include "proto/mask_wide.h"

enum { MAX = 257, ALIGN = 32, MARGIN = 64 };

static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

static void the_example_of_the_rfc_is_masked(void **state)
{
    (void)state;
    /* RFC 6455, section 5.7. */
    static const uint8_t masked[] = { 0x7f, 0x9f, 0x4d, 0x51, 0x58 };
    uint8_t hello[] = "Hello";

    ws__mask(hello, 5, key, 0);
    assert_memory_equal(hello, masked, 5);
}

static void the_scalar_twin_does_what_the_rfc_says(void **state)
{
    (void)state;
    uint8_t p[MAX];

    for (size_t phase = 0; phase < 8; phase++) {
        for (size_t i = 0; i < MAX; i++)
            p[i] = (uint8_t)i;
        ws__mask_scalar(p, MAX, key, phase);
        for (size_t i = 0; i < MAX; i++)
            assert_int_equal(p[i], (uint8_t)i ^ key[(phase + i) % 4]);
    }
}

static void every_length_alignment_and_phase_equals_the_twin(void **state)
{
    (void)state;
    static uint8_t got[2 * MARGIN + MAX + ALIGN], want[sizeof(got)];

    for (size_t n = 0; n <= MAX; n++)
        for (size_t align = 0; align < ALIGN; align++)
            for (size_t phase = 0; phase < 4; phase++) {
                for (size_t i = 0; i < sizeof(got); i++)
                    got[i] = want[i] = (uint8_t)(i * 7 + n);
                ws__mask(got + MARGIN + align, n, key, phase);
                ws__mask_scalar(want + MARGIN + align, n, key, phase);
                assert_memory_equal(got, want, sizeof(got));
            }
}

static void a_copy_equals_it_and_leaves_the_original(void **state)
{
    (void)state;
    static uint8_t from[MAX + ALIGN], kept[sizeof(from)];
    static uint8_t got[2 * MARGIN + MAX + ALIGN], want[sizeof(got)];

    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = kept[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= MAX; n++)
        for (size_t align = 0; align < ALIGN; align++) {
            size_t other = (align * 5 + n) % ALIGN;
            memset(got, 'x', sizeof(got));
            memset(want, 'x', sizeof(want));
            memcpy(want + MARGIN + align, from + other, n);
            bool is_ascii = ws__mask(want + MARGIN + align, n, key, n);
            assert_int_equal(
                ws__mask_copy(got + MARGIN + align, from + other, n, key, n),
                is_ascii);
            assert_memory_equal(got, want, sizeof(got));
        }
    assert_memory_equal(from, kept, sizeof(from));
}

static void nothing_beyond_the_end_is_touched(void **state)
{
    (void)state;
    uint8_t p[MAX], want[MAX];

    for (size_t n = 0; n <= MAX; n++) {
        memset(p, 'x', n);
        memset(want, 'x', n);
        uint8_t *end = at_page_end(p, n);
        ws__mask(end, n, key, n);
        ws__mask_scalar(want, n, key, n);
        assert_memory_equal(end, want, n);
    }
}

static void every_chunking_gives_the_same(void **state)
{
    (void)state;
    uint8_t got[MAX], want[MAX];

    for (size_t step = 1; step <= MAX; step++) {
        memset(got, 'y', MAX);
        memset(want, 'y', MAX);
        ws__mask_scalar(want, MAX, key, 0);
        for (size_t at = 0; at < MAX; at += step)
            ws__mask(got + at, MAX - at < step ? MAX - at : step, key, at);
        assert_memory_equal(got, want, MAX);
    }
}

static void it_says_whether_all_is_ascii(void **state)
{
    (void)state;
    static const uint8_t high[4] = { 0xff, 0x80, 0x81, 0xc0 };
    uint8_t p[MAX + 2 * MARGIN];

    for (size_t n = 0; n <= MAX; n++)
        for (size_t at = 0; at <= n; at++) {
            memset(p, 0xff, sizeof(p));
            memset(p + MARGIN, 0x7f, n);
            if (at < n)
                p[MARGIN + at] = 0x80;
            ws__mask_scalar(p + MARGIN, n, high, n);
            assert_int_equal(ws__mask(p + MARGIN, n, high, n), at == n);
        }
}

/* What this processor is given, and what one is that has no more than all. */
static size_t wide(bool widest, uint8_t *to, const uint8_t *from, size_t n,
                   uint64_t mask, uint64_t *seen)
{
    return widest ? ws__mask_wide(to, from, n, mask, seen)
                  : ws__mask_wide_by(false, to, from, n, mask, seen);
}

static void vectors_of_either_width_equal_the_twin(void **state)
{
    (void)state;
    static uint8_t from[MAX + ALIGN], got[sizeof(from)], want[sizeof(from)];
    uint64_t mask;

    memcpy(&mask, key, 4);
    memcpy((char *)&mask + 4, key, 4);
    for (int widest = 0; widest <= 1; widest++)
        for (size_t n = 0; n <= MAX; n++)
            for (size_t align = 0; align < ALIGN; align++) {
                uint64_t seen = 1;
                uint8_t lanes[8] = { 0 };

                for (size_t i = 0; i < sizeof(from); i++)
                    from[i] = want[i] = (uint8_t)(i * 7 + n);
                memset(got, 'x', sizeof(got));
                size_t done = wide(widest, got, from + align, n, mask, &seen);
                assert_true(n - done < 64);
                ws__mask_scalar(want + align, n, key, 0);
                assert_memory_equal(got, want + align, done);
                for (size_t i = 0; i < done; i++)
                    lanes[i % 8] |= got[i];
                assert_memory_equal(&seen, lanes, sizeof(seen));
            }
}

/* Where all others become 0. */
static void each_byte_is_seen_by_vectors_of_either_width(void **state)
{
    (void)state;
    enum { N = 128 };
    uint8_t from[N], got[N];
    uint64_t mask;

    memcpy(&mask, key, 4);
    memcpy((char *)&mask + 4, key, 4);
    for (int widest = 0; widest <= 1; widest++)
        for (size_t at = 0; at < N; at++) {
            uint64_t seen = 1;
            uint8_t lanes[8] = { 0 };

            for (size_t i = 0; i < N; i++)
                from[i] = key[i % 4];
            from[at] ^= 0x80;
            lanes[at % 8] = 0x80;
            assert_int_equal(wide(widest, got, from, N, mask, &seen), N);
            assert_memory_equal(&seen, lanes, sizeof(seen));
        }
}

static void wide_vectors_take_whole_vectors_only(void **state)
{
    (void)state;
    uint8_t p[MAX] = { 0 };

    for (size_t k = 0; k <= 2 * MAX + 1; k++) {
        size_t n = k / 2;
        uint64_t seen = 0;
        size_t done = wide(k % 2, p, p, n, 0x0101010101010101u, &seen);
        assert_int_equal(seen, done > 0 ? 0x0101010101010101u : 0);
        assert_true(done <= n && done % 8 == 0);
        for (size_t i = 0; i < MAX; i++)
            assert_int_equal(p[i], i < done);
        memset(p, 0, sizeof(p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_masked),
        cmocka_unit_test(the_scalar_twin_does_what_the_rfc_says),
        cmocka_unit_test(every_length_alignment_and_phase_equals_the_twin),
        cmocka_unit_test(a_copy_equals_it_and_leaves_the_original),
        cmocka_unit_test(nothing_beyond_the_end_is_touched),
        cmocka_unit_test(every_chunking_gives_the_same),
        cmocka_unit_test(it_says_whether_all_is_ascii),
        cmocka_unit_test(vectors_of_either_width_equal_the_twin),
        cmocka_unit_test(each_byte_is_seen_by_vectors_of_either_width),
        cmocka_unit_test(wide_vectors_take_whole_vectors_only),
    };

    return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
