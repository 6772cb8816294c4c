/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_STR_H
#define WS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* A slice of somebody else's characters. */
struct ws__str {
    const char *p;
    size_t n;
};

struct ws__str ws__str(const char *s);
bool ws__str_is(struct ws__str s, const char *literal);

/* ASCII letters match in either case, other bytes only themselves; the locale
 * has no say. */
bool ws__str_equal_nocase(struct ws__str a, struct ws__str b);
bool ws__str_is_nocase(struct ws__str s, const char *literal);
bool ws__equal_nocase(const char *a, const char *b);
char ws__lower(char c);

/* A control byte of ASCII, the tab among them? */
static inline bool ws__is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* The value of a hexadecimal digit, -1 if it is none. */
int ws__hex_value(char c);

/* Without the spaces and tabs at its ends. */
struct ws__str ws__str_trim(struct ws__str s);

/* What is before the first c, which goes too, or all of it. */
struct ws__str ws__str_take_until(struct ws__str *rest, char c);

/* Appends s, for which there is room.  Returns the end. */
char *ws__str_put(char *p, struct ws__str s);

/* Appends n in decimal, at most 20 digits.  Returns the end. */
char *ws__decimal(char *p, unsigned long long n);

/* Digits only, as a number at most max.  Returns false for anything else. */
bool ws__str_number(struct ws__str s, unsigned long long max,
                    unsigned long long *value);

#endif
