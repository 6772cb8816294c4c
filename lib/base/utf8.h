/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_UTF8_H
#define WS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A validator of UTF-8 (RFC 3629) that takes text in pieces; zeroed to begin
 * with. */
struct ws__utf8 {
    uint32_t state;
};

/* Take the next n bytes.  Returns false as soon as no continuation could make
 * the text valid, and from then on. */
bool ws__utf8_feed(struct ws__utf8 *u, const uint8_t *p, size_t n);

/* True unless the text so far ends inside a character, or was refused. */
bool ws__utf8_complete(const struct ws__utf8 *u);

/* Is all of it valid, and whole? */
static inline bool ws__utf8_is_valid(const uint8_t *p, size_t n)
{
    struct ws__utf8 u = { 0 };

    return ws__utf8_feed(&u, p, n) && ws__utf8_complete(&u);
}

/* The length of the longest prefix of n bytes of valid text that is at most max
 * long and does not cut a character. */
size_t ws__utf8_cut(const char *s, size_t n, size_t max);

#endif
