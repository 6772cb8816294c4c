/* SPDX-License-Identifier: MIT */
/* How fast text is checked. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "fiber/stopwatch.h"

enum { TOTAL = 256 * 1024 * 1024, SIZE = 64 * 1024 };

static double gigabytes(const uint8_t *p, size_t n)
{
    int64_t began = ws__now_us();
    bool good = true;

    for (size_t done = 0; done < TOTAL; done += n) {
        struct ws__utf8 u = { 0 };
        good = ws__utf8_feed(&u, p, n) && good;
    }
    return good ? (double)TOTAL / 1e3 / (double)(ws__now_us() - began) : 0;
}

/* Fill p with whole repetitions of s, and ASCII behind them. */
static void fill(uint8_t *p, const char *s)
{
    size_t n = strlen(s);

    memset(p, 'a', SIZE);
    for (size_t at = 0; at + n <= SIZE; at += n)
        memcpy(p + at, s, n);
}

int main(void)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "ASCII", "a" },
        { "two bytes", "\xc3\xa9" },
        { "three bytes", "\xe2\x82\xac" },
        { "German", "Gr\xc3\xb6\xc3\x9f"
                    "e und Wert " },
    };
    uint8_t *p = malloc(SIZE);

    for (size_t i = 0; p && i < sizeof(rows) / sizeof(*rows); i++) {
        fill(p, rows[i].text);
        printf("utf8 %-11s: %6.2f GB/s, ", rows[i].name, gigabytes(p, SIZE));
        printf("12 bytes at a time %5.2f GB/s\n", gigabytes(p, 12));
    }
    free(p);
    return 0;
}
