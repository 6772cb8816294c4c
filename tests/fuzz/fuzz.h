/* SPDX-License-Identifier: MIT */

#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/* What the targets share.  Each reads a few bytes of its input as orders (how
 * it is split, which settings hold), and the rest as what came from outside. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback/base.h>

#include "base/line.h"
#include "base/str.h"
#include "base/utf8.h"
#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The input ---------------------------------------------------------- */

struct input {
    const uint8_t *p;
    size_t n;
};

/* The next byte; 0 when there is none. */
static inline uint8_t take_byte(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

/* The next n bytes, or what there is. */
static inline struct input take_bytes(struct input *in, size_t n)
{
    struct input taken = { in->p, n < in->n ? n : in->n };

    in->p += taken.n;
    in->n -= taken.n;
    return taken;
}

static inline struct ws__str as_str(struct input in)
{
    return (struct ws__str){ (const char *)in.p, in.n };
}

/* What is before the first c, which goes too, or all of it. */
static inline struct ws__str take_until(struct input *in, char c)
{
    struct ws__str rest = as_str(*in);
    struct ws__str taken = ws__str_take_until(&rest, c);

    *in = (struct input){ (const uint8_t *)rest.p, rest.n };
    return taken;
}

/* A copy that ends with NUL (and at the first one in s), for free. */
static inline char *string_of(struct ws__str s)
{
    char *copy = malloc(s.n + 1);

    CHECK(copy);
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

/* ---- Splits ------------------------------------------------------------- */

/* How many bytes come at a time, over and over; all at once if none is said. */
struct steps {
    struct input sizes;
    size_t next;
};

enum { STEPS_MAX = 7 };

/* A byte with their number, and one for each. */
static inline struct steps take_steps(struct input *in)
{
    size_t n = take_byte(in) & STEPS_MAX;

    return (struct steps){ .sizes = take_bytes(in, n) };
}

/* How many of the left bytes come next, at least one. */
static inline size_t step(struct steps *s, size_t left)
{
    if (s->sizes.n == 0)
        return left;
    size_t n = s->sizes.p[s->next++ % s->sizes.n];
    n = n > 0 ? n : 1;
    return n < left ? n : left;
}

/* ---- What holds everywhere ---------------------------------------------- */

static inline bool same_str(struct ws__str a, struct ws__str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Does s lie in whole? */
static inline bool is_within(struct ws__str s, struct ws__str whole)
{
    return s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

/* One line of UTF-8 without control bytes that says something. */
static inline bool is_line(const char *text)
{
    size_t n = text ? strlen(text) : 0;

    for (size_t i = 0; i < n; i++)
        if (ws__is_control(text[i]))
            return false;
    return n > 0 && n < WS__LINE_MAX &&
           ws__utf8_is_valid((const uint8_t *)text, n);
}

/* A call that returned r and filled e: 0 and nothing, or a code and a line. */
static inline void check_error(int r, const ws_error *e)
{
    if (r >= 0) {
        CHECK(e->code == 0);
        return;
    }
    CHECK(e->code == r);
    CHECK(is_line(e->text));
}

#endif
