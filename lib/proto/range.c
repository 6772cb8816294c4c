/* SPDX-License-Identifier: MIT */

#include "proto/range.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* "5-9", "5-" or "-5" (RFC 9110, section 14.1.2). */
struct range {
    bool has_first, has_last;
    uint64_t first, last;
};

/* One number, as large as it likes.  Returns whether there is one. */
static bool take_number(const char **p, uint64_t *n)
{
    const char *begin = *p;

    for (*n = 0; **p >= '0' && **p <= '9'; ++*p) {
        unsigned digit = (unsigned)(**p - '0');

        *n = *n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *n * 10 + digit;
    }
    return *p > begin;
}

/* Blanks, and the commas of elements that are empty (section 5.6.1). */
static void skip_separators(const char **p)
{
    *p += strspn(*p, " \t,");
}

/* Returns false unless there is one range, and nothing but it. */
static bool take_range(const char *p, struct range *r)
{
    skip_separators(&p);
    r->has_first = take_number(&p, &r->first);
    if (*p++ != '-')
        return false;
    r->has_last = take_number(&p, &r->last);
    skip_separators(&p);
    return *p == '\0' && (r->has_first || r->has_last) &&
           !(r->has_first && r->has_last && r->last < r->first);
}

static enum ws__range last_bytes(uint64_t n, uint64_t size, uint64_t *first,
                                 uint64_t *len)
{
    *len = n < size ? n : size;
    *first = size - *len;
    return n > 0 ? WS__RANGE_PART : WS__RANGE_VOID;
}

enum ws__range ws__range_parse(const char *value, uint64_t size,
                               uint64_t *first, uint64_t *len)
{
    static const char unit[] = "bytes=";
    const size_t n = sizeof(unit) - 1;
    struct range r;

    if (size == 0 || strlen(value) < n ||
        !ws__str_is_nocase((struct ws__str){ value, n }, unit) ||
        !take_range(value + n, &r))
        return WS__RANGE_ALL;
    if (!r.has_first)
        return last_bytes(r.last, size, first, len);
    if (r.first >= size)
        return WS__RANGE_VOID;
    *first = r.first;
    *len = size - r.first;
    if (r.has_last && r.last - r.first < *len - 1)
        *len = r.last - r.first + 1;
    return WS__RANGE_PART;
}
