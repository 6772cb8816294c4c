/* SPDX-License-Identifier: MIT */

/* The validator of UTF-8 beside the grammar of RFC 3629, section 4: the same in
 * one piece and in any, wherever it lies. */

#include "fuzz/fuzz.h"

#include "base/utf8.h"

/* ---- The grammar -------------------------------------------------------- */

/* UTF8-tail and the ranges of the second byte that are narrower. */
struct utf8_row {
    uint8_t first, last; /* of the first byte */
    uint8_t low, high;   /* of the second */
    uint8_t size;
};

static const struct utf8_row utf8_rows[] = {
    { 0x00, 0x7f, 0, 0, 1 },       /* UTF8-1 */
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, /* UTF8-2 */
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, /* UTF8-3 */
    { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, /* UTF8-4 */
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static const struct utf8_row *row_of(uint8_t first)
{
    for (size_t i = 0; i < COUNT(utf8_rows); i++)
        if (first >= utf8_rows[i].first && first <= utf8_rows[i].last)
            return &utf8_rows[i];
    return NULL;
}

static bool fits(const struct utf8_row *row, const uint8_t *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i] < (i == 1 ? row->low : 0x80) ||
            p[i] > (i == 1 ? row->high : 0xbf))
            return false;
    return true;
}

enum verdict { REFUSED, CUT, WHOLE };

/* What of n bytes, as they lie there, becomes of text; *end is how many of them
 * are whole characters. */
static enum verdict judge(const uint8_t *p, size_t n, size_t *end)
{
    for (*end = 0; *end < n;) {
        const struct utf8_row *row = row_of(p[*end]);
        size_t left = n - *end;

        if (!row || !fits(row, p + *end, left < row->size ? left : row->size))
            return REFUSED;
        if (left < row->size)
            return CUT;
        *end += row->size;
    }
    return WHOLE;
}

/* ---- Both --------------------------------------------------------------- */

static void check_state(const struct ws__utf8 *u, bool fine, enum verdict v)
{
    CHECK(fine == (v != REFUSED));
    CHECK(ws__utf8_complete(u) == (v == WHOLE));
}

static void check_split(struct input text, struct steps steps)
{
    struct ws__utf8 u = { 0 };
    size_t at = 0, whole = 0, more;

    while (at < text.n) {
        size_t n = step(&steps, text.n - at);
        bool fine = ws__utf8_feed(&u, text.p + at, n);

        at += n;
        check_state(&u, fine, judge(text.p + whole, at - whole, &more));
        whole += more;
    }
}

/* From so many bytes behind where a vector begins. */
static void check_at(struct input text, size_t offset)
{
    static _Alignas(64) uint8_t room[1 << 20];
    struct ws__utf8 u = { 0 };
    size_t end;
    uint8_t *p = room + offset;

    CHECK(text.n <= sizeof(room) - offset);
    if (text.n > 0)
        memcpy(p, text.p, text.n);
    enum verdict v = judge(text.p, text.n, &end);
    check_state(&u, ws__utf8_feed(&u, p, text.n), v);
    CHECK(ws__utf8_is_valid(p, text.n) == (v == WHOLE));
}

/* Of text, the longest beginning that is no longer than max. */
static void check_cut(struct input text, size_t max)
{
    size_t whole, end;

    if (judge(text.p, text.n, &whole) != WHOLE)
        return;
    size_t cut = ws__utf8_cut((const char *)text.p, text.n, max);
    judge(text.p, max < text.n ? max : text.n, &end);
    CHECK(cut == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    size_t offset = take_byte(&in) % 64, max = take_byte(&in);
    struct steps steps = take_steps(&in);

    check_at(in, offset);
    check_split(in, steps);
    check_cut(in, max);
    return 0;
}
