/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_REPLY_H
#define WS_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum ws__redis_type {
    WS__REDIS_STRING,
    WS__REDIS_STATUS, /* "+OK" */
    WS__REDIS_ERROR,  /* "-NOSCRIPT No matching script" */
    WS__REDIS_INTEGER,
    WS__REDIS_NIL,
    WS__REDIS_ARRAY,
};

/* What a server has answered (RESP 2), in memory of its own. */
struct ws__redis_reply {
    enum ws__redis_type type;
    long long integer;
    char *str; /* of a string, status or error; ends with a NUL; else NULL */
    size_t len;
    struct ws__redis_reply **element; /* of an array */
    size_t elements;
};

/* NULL is fine. */
void ws__redis_reply_free(struct ws__redis_reply *r);

/* The characters of a string, status or error; empty for anything else. */
struct ws__str ws__redis_reply_str(const struct ws__redis_reply *r);

/* An integer, or a string of digits: below 0 for anything else. */
long long ws__redis_reply_number(const struct ws__redis_reply *r);

/* Is it an error whose first word is this: "NOSCRIPT"? */
bool ws__redis_reply_is_error(const struct ws__redis_reply *r,
                              const char *word);

/* The i-th element of an array; NULL for what is none, or has not so many. */
const struct ws__redis_reply *ws__redis_reply_at(
    const struct ws__redis_reply *r, size_t i);

#endif
