/* SPDX-License-Identifier: MIT */

/* What is done with text of others before it goes into a line, a log, a close
 * frame or a name: base64, escaping, logfmt, cutting, names, media types. */

#include "fuzz/fuzz.h"

#include "base/base64.h"
#include "base/logfmt.h"
#include "hub/name.h"
#include "proto/close.h"
#include "proto/mime.h"
#include "proto/uri.h"

static void check_base64(struct ws__str s)
{
    uint8_t *bytes = malloc(s.n + 1);
    char *text = malloc(WS__BASE64_LEN(s.n) + 1);

    CHECK(bytes && text);
    int n = ws__base64_decode(bytes, s.n, s.p, s.n);
    if (n >= 0) {
        ws__base64_encode(text, bytes, (size_t)n);
        CHECK(
            same_str(ws__str(text), s)); /* there is but one way to write it */
        CHECK(n == 0 ||
              ws__base64_decode(bytes, (size_t)n - 1, s.p, s.n) == -1);
    }
    ws__base64_encode(text, (const uint8_t *)s.p, s.n);
    CHECK(strlen(text) == WS__BASE64_LEN(s.n));
    n = ws__base64_decode(bytes, s.n, text, strlen(text));
    CHECK((size_t)n == s.n && (n == 0 || memcmp(bytes, s.p, s.n) == 0));
    free(text);
    free(bytes);
}

/* However little room there is, characters and escapes are whole, and what is
 * escaped already stays. */
static void check_escape(struct ws__str s, size_t cap)
{
    char out[WS__LINE_MAX], again[WS__LINE_MAX], quoted[WS__QUOTED];
    bool all = ws__line_escape(out, cap, s);

    CHECK(strlen(out) < cap && (out[0] == '\0' || is_line(out)));
    CHECK(!all || strlen(out) >= s.n);
    CHECK(ws__line_escape(again, sizeof(again), ws__str(out)));
    CHECK(strcmp(again, out) == 0);
    ws__quote(quoted, s);
    CHECK(strlen(quoted) < WS__QUOTED && (s.n == 0 || is_line(quoted)));
}

/* Returns what a value in a line of logfmt says, or NULL. */
static char *read_value(const char *line)
{
    const char *p = strchr(line, '=');
    char *value = malloc(strlen(line) + 1), *at = value;

    CHECK(p && value);
    bool quoted = *++p == '"';
    for (p += quoted; *p && *p != (quoted ? '"' : ' '); p++) {
        if (quoted && *p == '\\')
            p++;
        *at++ = *p;
    }
    *at = '\0';
    CHECK(quoted ? *p == '"' && p[1] == '\0' : *p == '\0');
    return value;
}

static void check_logfmt(const char *string)
{
    char line[2048] = "", escaped[WS__LINE_MAX];

    ws__logfmt(line, sizeof(line), "key", string);
    CHECK(is_line(line) || strlen(line) >= WS__LINE_MAX);
    char *value = read_value(line);
    if (ws__line_escape(escaped, sizeof(escaped), ws__str(string)))
        CHECK(strcmp(value, escaped) == 0);
    free(value);
}

/* What is written of it is read. */
static void check_reason(const char *string)
{
    uint8_t payload[125];
    int code = 0;
    size_t n = ws__close_encode(payload, 1000, string);

    CHECK(n >= 2 && n <= 2 + WS__REASON_MAX);
    CHECK(n <= 2 + strlen(string) && memcmp(payload + 2, string, n - 2) == 0);
    if (ws__utf8_is_valid((const uint8_t *)string, strlen(string))) {
        CHECK(!ws__close_decode(payload, n, &code) && code == 1000);
        CHECK(n > 2 + WS__REASON_MAX - 4 || n == 2 + strlen(string));
    }
}

static void check_names(struct ws__str s, const char *string)
{
    char name[WS__NAME_MAX + 1], *escaped = malloc(3 * strlen(string) + 1);

    CHECK(escaped && ws__mime_type(string)[0]);
    if (ws__name_read(name, s))
        CHECK(is_line(name) && same_str(ws__str(name), s));
    ws__uri_escape(escaped, string, "");
    struct ws__str rest = ws__str(escaped);
    for (const char *p = string; *p; p++) {
        int c =
            rest.p[0] == '%' ? ws__uri_escaped(rest) : (unsigned char)rest.p[0];
        size_t n = rest.p[0] == '%' ? 3 : 1;

        CHECK(c == (unsigned char)*p);
        rest = (struct ws__str){ rest.p + n, rest.n - n };
    }
    CHECK(rest.n == 0);
    free(escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    size_t cap = (size_t)take_byte(&in) + 1;
    char *string = string_of(as_str(in));

    check_base64(as_str(in));
    check_escape(as_str(in), cap);
    check_logfmt(string);
    check_reason(string);
    check_names(as_str(in), string);
    free(string);
    return 0;
}
