/* SPDX-License-Identifier: MIT */

#ifndef TESTS_LINE_H
#define TESTS_LINE_H

#include <stdbool.h>
#include <string.h>

/* What a peer or a caller may try to smuggle into a log: line ends, an escape
 * sequence, DEL, controls of C1 as UTF-8 and as bytes, line ends of Unicode,
 * what turns the direction, halves of characters, and one that is none. */
#define LINE_BREAKERS                                                          \
    "a\r\n\x1b[2J\x7f\t\x01\xc2\x85\xc2\x9b\x9b\xe2\x80\xa8\xe2\x80\xae\xe2"   \
    "\x81\xa6\xc3(\xe2\x82 \xff\xed\xa0\x80"

/* Is this one line of UTF-8 for a terminal, as far as it can be told by looking
 * for what may not be there? */
static inline bool is_one_line(const char *s)
{
    static const char *const never[] = {
        "\xc2\x85", "\xc2\x9b",  "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6",
        "\xc3(",    "\xe2\x82 ", "\xff",         "\xed",
    };

    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        if (strstr(s, never[i]))
            return false;
    return true;
}

#endif
