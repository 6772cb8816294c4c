/* SPDX-License-Identifier: MIT */

#include "base/line.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum {
    CHARACTER_MAX = 4, /* bytes of UTF-8 */
    TEXT_MAX = CHARACTER_MAX * (sizeof("\\x1b") - 1),
};

/* The length of the character that s begins with, 0 if it is none. */
static size_t character_at(struct ws__str s)
{
    struct ws__utf8 u = { 0 };
    const uint8_t *p = (const uint8_t *)s.p;

    for (size_t n = 0; n < s.n && ws__utf8_feed(&u, p + n, 1); n++)
        if (ws__utf8_complete(&u))
            return n + 1;
    return 0;
}

static bool within(const char *p, const char *prefix, uint8_t low, uint8_t high)
{
    size_t n = strlen(prefix);

    return memcmp(p, prefix, n) == 0 && (uint8_t)p[n] >= low &&
           (uint8_t)p[n] <= high;
}

/* Is this character a control, or one that a terminal takes for more than a
 * character of this line? */
static bool is_control_char(const char *p, size_t n)
{
    if (n == 1)
        return ws__is_control(*p);
    if (n == 2)
        return within(p, "\xc2", 0x80, 0x9f);
    return n == 3 && (within(p, "\xe2\x80", 0xa8, 0xae) ||
                      within(p, "\xe2\x81", 0xa6, 0xa9));
}

/* Appends what stands for a byte.  Returns the end. */
static char *escape(char *at, char byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char named[] = "\tt\nn\rr";

    *at++ = '\\';
    for (const char *p = named; *p; p += 2)
        if (*p == byte) {
            *at++ = p[1];
            return at;
        }
    *at++ = 'x';
    *at++ = digits[(uint8_t)byte >> 4];
    *at++ = digits[(uint8_t)byte & 15];
    return at;
}

/* Take a character, or a byte that is none, off *s.  Returns how long what
 * stands for it in text is. */
static size_t take_escaped(struct ws__str *s, char text[static TEXT_MAX])
{
    size_t n = character_at(*s);
    size_t taken = n > 0 ? n : 1;
    char *p = text;

    for (size_t i = 0; i < taken; i++)
        if (n == 0 || is_control_char(s->p, n))
            p = escape(p, s->p[i]);
        else
            *p++ = s->p[i];
    s->p += taken;
    s->n -= taken;
    return (size_t)(p - text);
}

bool ws__line_escape(char *out, size_t cap, struct ws__str s)
{
    *out = '\0';
    while (s.n > 0) {
        char text[TEXT_MAX];
        size_t n = take_escaped(&s, text);

        if (n >= cap)
            return false;
        memcpy(out, text, n);
        out += n;
        cap -= n;
        *out = '\0';
    }
    return true;
}

/* If text is cut here, the line that it is appended to is full anyway. */
void ws__line_format(char *out, size_t cap, const char *fmt, va_list ap)
{
    char text[WS__LINE_MAX + CHARACTER_MAX];

    assert(cap <= WS__LINE_MAX);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    ws__line_escape(out, cap, ws__str(text));
}

const char *ws__quote(char out[static WS__QUOTED], struct ws__str s)
{
    static const char more[] = "...";

    if (!ws__line_escape(out, WS__QUOTED, s)) {
        ws__line_escape(out, WS__QUOTED - strlen(more), s);
        memcpy(out + strlen(out), more, sizeof(more));
    }
    return out;
}
