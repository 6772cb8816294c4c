/* SPDX-License-Identifier: MIT */

#ifndef COMMON_PRINT_H
#define COMMON_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* ASCII's, and those that are U+0080 to U+009F in UTF-8. */
static inline bool is_control_at(const unsigned char *p)
{
    return *p < ' ' || *p == 0x7f || (*p == 0xc2 && (p[1] & 0xe0) == 0x80);
}

/* printf, and a newline.  Peers say what they like, and terminals obey it: a
 * control byte, and a newline within, comes out as \xNN. */
__attribute__((format(printf, 1, 2))) static inline void print_line(
    const char *fmt, ...)
{
    char *line;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&line, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    flockfile(stdout);
    for (const unsigned char *p = (unsigned char *)line; *p; p++)
        if (!is_control_at(p))
            putc(*p, stdout);
        else if (*p < 0x80)
            printf("\\x%02x", *p);
        else
            printf("\\x%02x", *++p);
    putc('\n', stdout);
    funlockfile(stdout);
    free(line);
}

#endif
