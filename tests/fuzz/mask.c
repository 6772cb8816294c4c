/* SPDX-License-Identifier: MIT */

/* Masking (RFC 6455, section 5.3) beside one byte after the other: by every kind
 * of vector, wherever it lies, in place and on the way. */

#include "fuzz/fuzz.h"

#include "proto/mask.h"
#include "proto/mask_wide.h"

enum { AROUND = 64 };

static _Alignas(64) uint8_t from[(1 << 20) + 2 * AROUND];
static _Alignas(64) uint8_t to[sizeof(from)];
static _Alignas(64) uint8_t right[sizeof(from)];

/* Returns whether they are ASCII then. */
static bool mask_slowly(const struct input *data, const uint8_t *key,
                        size_t phase, uint8_t *out)
{
    bool ascii = true;

    for (size_t i = 0; i < data->n; i++) {
        out[i] = data->p[i] ^ key[(phase + i) % 4];
        ascii = ascii && out[i] < 0x80;
    }
    return ascii;
}

/* All of it, and nothing beside it. */
static void check_masked(const uint8_t *room, size_t at, size_t n)
{
    CHECK(memcmp(room + at, right, n) == 0);
    for (size_t i = 0; i < AROUND / 2; i++)
        CHECK(room[at + n + i] == 0xee && (i >= at || room[i] == 0xee));
}

static void place(uint8_t *room, size_t at, const struct input *data)
{
    memset(room, 0xee, data->n + 2 * AROUND);
    if (data->n > 0)
        memcpy(room + at, data->p, data->n);
}

/* Whole vectors, from the beginning on, and what they say of them. */
static void check_wide(bool wide, size_t at, const struct input *data,
                       const uint8_t *key)
{
    uint8_t twice[8], seen_in[8] = { 0 };
    uint64_t mask, seen = 0, right_seen;

    for (size_t i = 0; i < sizeof(twice); i++)
        twice[i] = key[i % 4];
    memcpy(&mask, twice, sizeof(mask));
    place(from, at, data);
    size_t n =
        ws__mask_wide_by(wide, from + at, from + at, data->n, mask, &seen);
    CHECK(n <= data->n && n % sizeof(mask) == 0 && data->n - n < 64);
    mask_slowly(&(struct input){ data->p, n }, key, 0, right);
    for (size_t i = 0; i < n; i++)
        seen_in[i % sizeof(seen_in)] |= right[i];
    memcpy(&right_seen, seen_in, sizeof(right_seen));
    CHECK(n == 0 || seen == right_seen);
    if (data->n > n)
        memcpy(right + n, data->p + n, data->n - n);
    check_masked(from, at, data->n);
}

/* Those that this processor would not choose, too. */
static void check_all_wide(size_t at, const struct input *data,
                           const uint8_t *key)
{
    if (data->n < WS__MASK_WIDE_MIN)
        return;
    check_wide(false, at, data, key);
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        check_wide(true, at, data, key);
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    size_t at = take_byte(&in) % AROUND, to_at = take_byte(&in) % AROUND;
    size_t phase = take_byte(&in);
    uint8_t key[4];

    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = take_byte(&in);
    CHECK(in.n <= sizeof(from) - 2 * AROUND);
    bool ascii = mask_slowly(&in, key, phase, right);

    place(from, at, &in);
    CHECK(ws__mask(from + at, in.n, key, phase) == ascii);
    check_masked(from, at, in.n);
    place(from, at, &in);
    memset(to, 0xee, in.n + 2 * AROUND);
    CHECK(ws__mask_copy(to + to_at, from + at, in.n, key, phase) == ascii);
    check_masked(to, to_at, in.n);
    ws__mask_scalar(from + at, in.n, key, phase);
    check_masked(from, at, in.n);
    check_all_wide(at, &in, key);
    return 0;
}
