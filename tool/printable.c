/* SPDX-License-Identifier: MIT */

#include "printable.h"

#include <stdbool.h>

#include "utf8.h"

/* C0, DEL and C1; and what Unicode has for the direction and for lines. */
static bool printable_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void printable_character(FILE *f, const char *text, size_t length,
                                uint32_t c)
{
    if (length == 0)
        fprintf(f, "\\x%02x", (unsigned char)text[0]);
    else if (c == '\t' || !printable_is_control(c))
        fwrite(text, 1, length, f);
    else if (c == '\n')
        fputs("\\n", f);
    else if (c < 0x80)
        fprintf(f, "\\x%02x", (unsigned)c);
    else
        fprintf(f, "\\u%04x", (unsigned)c);
}

void printable_write(FILE *f, const char *text, size_t n, const char *newline)
{
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = utf8_next(text + i, n - i, &c);

        if (length == 1 && c == '\n' && newline)
            fputs(newline, f);
        else
            printable_character(f, text + i, length, c);
        i += length ? length : 1;
    }
}
