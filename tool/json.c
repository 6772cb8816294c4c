/* SPDX-License-Identifier: MIT */

#include "json.h"

#include <string.h>
#include <time.h>

#include "binary.h"
#include "utf8.h"

void json_begin(FILE *f, const char *event)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(f, "{\"event\":\"%s\",\"time\":%lld.%06ld", event,
            (long long)now.tv_sec, now.tv_nsec / 1000);
}

void json_end(FILE *f)
{
    fputs("}\n", f);
}

/* RFC 8259, section 7; DEL and C1 as well, since lines are looked at on
 * terminals. */
static void json_character(FILE *f, const char *text, size_t length, uint32_t c)
{
    if (length == 0)
        fputs("\xef\xbf\xbd", f);
    else if (c == '"' || c == '\\')
        fprintf(f, "\\%c", (int)c);
    else if (c == '\n')
        fputs("\\n", f);
    else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        fprintf(f, "\\u%04x", (unsigned)c);
    else
        fwrite(text, 1, length, f);
}

void json_string(FILE *f, const char *text, size_t n)
{
    putc('"', f);
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        size_t length = utf8_next(text + i, n - i, &c);

        json_character(f, text + i, length, c);
        i += length ? length : 1;
    }
    putc('"', f);
}

void json_bytes(FILE *f, const char *name, const char *text, size_t n)
{
    fprintf(f, ",\"%s\":", name);
    json_string(f, text, n);
}

void json_text(FILE *f, const char *name, const char *text)
{
    json_bytes(f, name, text, strlen(text));
}

void json_number(FILE *f, const char *name, int64_t value)
{
    fprintf(f, ",\"%s\":%lld", name, (long long)value);
}

void json_decimal(FILE *f, const char *name, double value)
{
    fprintf(f, ",\"%s\":%.3f", name, value);
}

void json_message(FILE *f, const ws_message *m)
{
    json_text(f, "type", m->type == WS_TEXT ? "text" : "binary");
    if (m->type == WS_TEXT) {
        json_bytes(f, "data", m->data, m->len);
        return;
    }
    fputs(",\"base64\":\"", f);
    binary_write_base64(f, m->data, m->len);
    putc('"', f);
}
