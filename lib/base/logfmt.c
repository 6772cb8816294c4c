/* SPDX-License-Identifier: MIT */

#include "base/logfmt.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/line.h"

enum { QUOTED_MAX = 2 * WS__LINE_MAX + sizeof("\"\"") };

static bool needs_quotes(const char *s)
{
    return *s == '\0' || strpbrk(s, " =\"\\") != NULL;
}

static void put_quoted(char *at, const char *s)
{
    *at++ = '"';
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            *at++ = '\\';
        *at++ = *s;
    }
    *at++ = '"';
    *at = '\0';
}

WS_PRINTF(2, 3)
static void escape_value(char out[static WS__LINE_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ws__line_format(out, WS__LINE_MAX, fmt, ap);
    va_end(ap);
}

void ws__logfmt(char *out, size_t cap, const char *key, const char *value)
{
    size_t used = strlen(out);
    char text[WS__LINE_MAX], quoted[QUOTED_MAX];

    escape_value(text, "%s", value);
    if (needs_quotes(text))
        put_quoted(quoted, text);
    int n = snprintf(out + used, cap - used, "%s%s=%s", used > 0 ? " " : "",
                     key, needs_quotes(text) ? quoted : text);
    if ((size_t)n >= cap - used)
        out[used] = '\0';
}
