/* SPDX-License-Identifier: MIT */

#ifndef TESTS_FUZZ_FIELDS_H
#define TESTS_FUZZ_FIELDS_H

/* Header fields as the parser of heads lets them through: those that it has
 * read, and those of lines "Name: value" of an input. */

#include <silverback/http.h>

#include "fuzz/fuzz.h"

#include "proto/header.h"

enum { FIELDS_MAX = 32 };

struct fields {
    ws_header list[FIELDS_MAX + 1];
    size_t n;
};

static inline bool is_field_value(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (ws__is_control(s.p[i]) && s.p[i] != '\t')
            return false;
    return true;
}

/* Returns how many there are. */
static inline unsigned check_fields(const ws_header *fields)
{
    unsigned n = 0;

    for (; fields[n].name; n++) {
        struct ws__str value = ws__str(fields[n].value);

        CHECK(ws__is_token(ws__str(fields[n].name)));
        CHECK(same_str(ws__str_trim(value), value) && is_field_value(value));
    }
    return n;
}

static inline void add_field(struct fields *f, struct ws__str name,
                             struct ws__str value)
{
    value = ws__str_trim(value);
    if (f->n == FIELDS_MAX || !ws__is_token(name) || !is_field_value(value))
        return;
    f->list[f->n].name = string_of(name);
    f->list[f->n].value = string_of(value);
    f->list[++f->n] = (ws_header){ 0 };
}

/* Of all lines up to an empty one. */
static inline void take_fields(struct fields *f, struct input *in)
{
    while (in->n > 0 && f->n < FIELDS_MAX) {
        struct ws__str value = take_until(in, '\n');

        if (value.n == 0)
            return;
        struct ws__str name = ws__str_take_until(&value, ':');
        add_field(f, name, value);
    }
}

static inline void free_fields(struct fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free((char *)f->list[i].name);
        free((char *)f->list[i].value);
    }
}

#endif
