/* SPDX-License-Identifier: MIT */

#include "proto/header.h"

#include <string.h>

bool ws__is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool ws__is_token(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ws__is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

const char *ws_header_get(const ws_header *headers, const char *name)
{
    for (const ws_header *h = headers; name && h && h->name; h++)
        if (ws__equal_nocase(h->name, name))
            return h->value;
    return NULL;
}

unsigned ws__header_count(const ws_header *headers, const char *name)
{
    unsigned n = 0;

    for (const ws_header *h = headers; h && h->name; h++)
        n += ws__equal_nocase(h->name, name);
    return n;
}

/* ---- Cursors ------------------------------------------------------------ */

static void advance(struct ws__str *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

static void skip_blanks(struct ws__str *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
        advance(s, 1);
}

static bool take_char(struct ws__str *s, char c)
{
    skip_blanks(s);
    if (s->n == 0 || s->p[0] != c)
        return false;
    advance(s, 1);
    skip_blanks(s);
    return true;
}

static bool take_token(struct ws__str *s, struct ws__str *token)
{
    size_t n = 0;

    while (n < s->n && ws__is_token_char(s->p[n]))
        n++;
    *token = (struct ws__str){ .p = s->p, .n = n };
    advance(s, n);
    return n > 0;
}

/* ---- Lists of tokens ---------------------------------------------------- */

bool ws__header_next_token(struct ws__str *rest, struct ws__str *token,
                           bool *bad)
{
    *bad = false;
    skip_blanks(rest);
    while (take_char(rest, ','))
        ;
    if (rest->n == 0)
        return false;
    bool ok = take_token(rest, token);
    skip_blanks(rest);
    *bad = !ok || (rest->n > 0 && rest->p[0] != ',');
    return !*bad;
}

static bool list_has(const char *value, const char *token)
{
    struct ws__str rest = ws__str(value), t;
    bool bad;

    while (ws__header_next_token(&rest, &t, &bad))
        if (ws__str_is_nocase(t, token))
            return true;
    return false;
}

bool ws__header_has_token(const ws_header *headers, const char *name,
                          const char *token)
{
    for (const ws_header *h = headers; h && h->name; h++)
        if (ws__equal_nocase(h->name, name) && list_has(h->value, token))
            return true;
    return false;
}

/* ---- Extensions and their parameters ------------------------------------ */

static bool ends_element(const struct ws__str *s)
{
    return s->n == 0 || s->p[0] == ',' || s->p[0] == ';';
}

bool ws__params_next_name(struct ws__params *p, struct ws__str *name)
{
    if (p->bad)
        return false;
    skip_blanks(&p->rest);
    while (take_char(&p->rest, ','))
        ;
    if (p->rest.n == 0)
        return false;
    p->bad = !take_token(&p->rest, name);
    skip_blanks(&p->rest);
    p->bad = p->bad || !ends_element(&p->rest);
    return !p->bad;
}

/* A quoted string, unescaped (RFC 9110, section 5.6.4).  Of one that is too
 * long the beginning is enough: it is no value of ours. */
static bool take_quoted(struct ws__str *s, struct ws__str *value, char *buf,
                        size_t cap)
{
    size_t n = 0;

    advance(s, 1);
    while (s->n > 0 && s->p[0] != '"') {
        if (s->p[0] == '\\')
            advance(s, 1);
        if (s->n == 0)
            return false;
        if (n < cap)
            buf[n++] = s->p[0];
        advance(s, 1);
    }
    *value = (struct ws__str){ .p = buf, .n = n };
    if (s->n == 0 || s->p[0] != '"')
        return false;
    advance(s, 1);
    return true;
}

bool ws__params_next(struct ws__params *p, struct ws__str *name,
                     struct ws__str *value, char *buf, size_t cap)
{
    *value = (struct ws__str){ 0 };
    if (p->bad || !take_char(&p->rest, ';'))
        return false;
    p->bad = !take_token(&p->rest, name);
    if (!p->bad && take_char(&p->rest, '='))
        p->bad = p->rest.n > 0 && p->rest.p[0] == '"'
                     ? !take_quoted(&p->rest, value, buf, cap)
                     : !take_token(&p->rest, value);
    skip_blanks(&p->rest);
    p->bad = p->bad || !ends_element(&p->rest);
    return !p->bad;
}
