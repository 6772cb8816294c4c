/* SPDX-License-Identifier: MIT */

/* Parameters, fields of forms, cookies. */

#include <string.h>

#include "base/alloc.h"
#include "http/request.h"
#include "proto/cookie.h"
#include "proto/query.h"

enum { PARAMS_MAX = 1024 };

/* A list being counted, then made. */
struct params {
    ws_param *list; /* NULL: it is counted */
    char *text;     /* where the next string goes */
    size_t n;
    size_t bytes; /* that all strings may need */
    size_t (*decode)(char *out, struct ws__str s);
};

static size_t copy_param(char *out, struct ws__str s)
{
    memcpy(out, s.p, s.n);
    return s.n;
}

static const char *add_text(struct params *p, struct ws__str s)
{
    char *text = p->text;

    p->text += p->decode(text, s);
    *p->text++ = '\0';
    return text;
}

static bool has_nul(struct ws__str s)
{
    return s.n > 0 && memchr(s.p, '\0', s.n);
}

/* A form may have sent what no string can hold. */
static void add_param(struct params *p, struct ws__str name,
                      struct ws__str value)
{
    if (p->n == PARAMS_MAX || has_nul(name) || has_nul(value))
        return;
    p->bytes += name.n + value.n + 2;
    if (p->list) {
        p->list[p->n].name = add_text(p, name);
        p->list[p->n].value = add_text(p, value);
    }
    p->n++;
}

static void add_pairs(struct params *p, struct ws__str text)
{
    struct ws__str name, value;

    p->decode = ws__query_decode;
    while (ws__query_next(&text, &name, &value))
        add_param(p, name, value);
}

static void each_of_query(struct params *p, const ws_request *r)
{
    add_pairs(p, ws__str(r->query));
}

static void each_of_form(struct params *p, const ws_request *r)
{
    const char *type = ws_header_get(r->headers, "Content-Type");
    struct ws__str essence = { type, type ? strcspn(type, ";") : 0 };

    if (type && ws__str_is_nocase(ws__str_trim(essence),
                                  "application/x-www-form-urlencoded"))
        add_pairs(p, (struct ws__str){ r->body, r->body_len });
}

/* One field has them all, but from proxies that split it. */
static void each_cookie(struct params *p, const ws_request *r)
{
    struct ws__str name, value;

    p->decode = copy_param;
    for (const ws_header *h = r->headers; h->name; h++) {
        struct ws__str rest = ws__str(h->value);

        if (!ws__equal_nocase(h->name, "Cookie"))
            continue;
        while (ws__cookie_next(&rest, &name, &value))
            add_param(p, name, value);
    }
}

static const ws_param *params_of(ws_request *pub, enum ws__made kind,
                                 void (*each)(struct params *p,
                                              const ws_request *r))
{
    static const ws_param none[] = { { 0 } };
    struct ws__request *r = ws__request_of(pub);
    struct params counted = { 0 };

    if (!r)
        return none;
    if (r->made[kind])
        return r->made[kind];
    each(&counted, pub);
    if (counted.n == 0)
        return none;
    ws_param *list = ws__alloc((counted.n + 1) * sizeof(*list) + counted.bytes);
    if (!list)
        return none;
    struct params p = { .list = list, .text = (char *)(list + counted.n + 1) };
    each(&p, pub);
    list[p.n] = (ws_param){ 0 };
    return r->made[kind] = list;
}

const ws_param *ws_query(ws_request *r)
{
    return params_of(r, WS__MADE_QUERY, each_of_query);
}

const ws_param *ws_form(ws_request *r)
{
    return params_of(r, WS__MADE_FORM, each_of_form);
}

const ws_param *ws_cookies(ws_request *r)
{
    return params_of(r, WS__MADE_COOKIES, each_cookie);
}

const char *ws_param_get(const ws_param *params, const char *name)
{
    for (const ws_param *p = params; p && p->name && name; p++)
        if (strcmp(p->name, name) == 0)
            return p->value;
    return NULL;
}
