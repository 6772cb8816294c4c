/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HEADER_H
#define WS_PROTO_HEADER_H

#include <stdbool.h>

#include <silverback/http.h>

#include "base/str.h"

/* Is s a token (RFC 9110, section 5.6.2)? */
bool ws__is_token(struct ws__str s);

/* May c stand in one? */
bool ws__is_token_char(char c);

/* How many fields have this name. */
unsigned ws__header_count(const ws_header *headers, const char *name);

/* Does a list of tokens in any field of this name hold the token, in any case?
 * What follows a malformed element of a field is not looked at. */
bool ws__header_has_token(const ws_header *headers, const char *name,
                          const char *token);

/* The elements of a comma-separated list, one by one: take the next from *rest,
 * trimmed, empty ones left out.  Returns false at the end, or at an element
 * that is no token; then *bad is true. */
bool ws__header_next_token(struct ws__str *rest, struct ws__str *token,
                           bool *bad);

/* A list of extensions with parameters (RFC 6455, section 9.1), read token by
 * token. */
struct ws__params {
    struct ws__str rest;
    bool bad; /* a malformed element: the rest of the field is dropped */
};

/* The next extension's name.  Returns false at the end of the field, or when it
 * is malformed. */
bool ws__params_next_name(struct ws__params *p, struct ws__str *name);

/* The next parameter of this extension.  A value is a token or a quoted string,
 * of which as much as fits is unescaped into buf, of size cap; value->p is NULL
 * if there is none.  Returns false after the last one, or when it is malformed
 * (p->bad). */
bool ws__params_next(struct ws__params *p, struct ws__str *name,
                     struct ws__str *value, char *buf, size_t cap);

#endif
