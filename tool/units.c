/* SPDX-License-Identifier: MIT */

#include "units.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    USUAL_BITS = 11, /* 66 KiB a connection: docs/compression.md */
};

struct unit {
    const char *name;
    double factor;
};

/* The number before the unit must be one that people write: no hexadecimal, no
 * "inf". */
static bool units_parse(const char *text, const struct unit *units, double max,
                        double *value)
{
    char *end;

    size_t digits = strspn(text, "0123456789.");

    if (digits == 0)
        return false;
    *value = strtod(text, &end);
    if (end != text + digits)
        return false;
    for (; units->name; units++)
        if (strcmp(end, units->name) == 0) {
            *value *= units->factor;
            return *value <= max;
        }
    return false;
}

bool units_ms(const char *text, int *ms)
{
    static const struct unit units[] = {
        { "", 1000 },       { "s", 1000 },           { "ms", 1 },
        { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 }, { 0 },
    };
    double value;

    if (!units_parse(text, units, INT_MAX, &value) || value < 1)
        return false;
    *ms = (int)value;
    return true;
}

bool units_bytes(const char *text, int64_t *bytes)
{
    static const struct unit units[] = {
        { "", 1 },        { "k", 1024 }, { "K", 1024 }, { "M", 1024 * 1024 },
        { "G", 1 << 30 }, { 0 },
    };
    double value;

    if (!units_parse(text, units, 1e15, &value) || value < 1)
        return false;
    *bytes = (int64_t)value;
    return true;
}

bool units_count(const char *text, int64_t *count)
{
    static const struct unit units[] = {
        { "", 1 }, { "k", 1000 }, { "K", 1000 }, { "M", 1e6 }, { 0 },
    };
    double value;

    if (!units_parse(text, units, 1e15, &value) || value < 1)
        return false;
    *count = (int64_t)value;
    return true;
}

const char *units_close_code(const char *text, int *code)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || n < 1000 || n > 4999 || (n > 1014 && n < 3000) ||
        (n >= 1004 && n <= 1006))
        return NULL;
    *code = (int)n;
    return end;
}

bool units_takeover(const char *text, int *bits)
{
    const char *rest = text + strlen("takeover");
    char *end;

    if (strncmp(text, "takeover", strlen("takeover")) != 0)
        return false;
    *bits = USUAL_BITS;
    if (*rest == '\0')
        return true;
    long n = strtol(rest + 1, &end, 10);
    *bits = (int)n;
    return *rest == ',' && *end == '\0' && n >= 9 && n <= 15;
}
