/* SPDX-License-Identifier: MIT */

/* The query, the form, the cookies and the subprotocols of a request, as a
 * handler gets them. */

#include <silverback/upgrade.h>

#include "fuzz/fields.h"

#include "http/request.h"

enum { PARAMS_MAX = 1024 };

static size_t check_params(const ws_param *list)
{
    size_t n = 0;

    for (; list[n].name; n++) {
        const ws_param *p = &list[n];

        CHECK(p->value && ws_param_get(list, p->name));
        CHECK(strcmp(ws_param_get(list, p->name), p->value) == 0 ||
              ws_param_get(list, p->name) != p->value);
    }
    CHECK(n <= PARAMS_MAX && !list[n].value);
    return n;
}

/* No more than a pair for each separator, and asked again, it is the same. */
static void check_request(ws_request *r, size_t cookies)
{
    size_t pairs = 1, fields = 1;

    for (const char *p = r->query; *p; p++)
        pairs += *p == '&';
    for (size_t i = 0; i < r->body_len; i++)
        fields += r->body[i] == '&';
    CHECK(check_params(ws_query(r)) <= pairs);
    CHECK(check_params(ws_form(r)) <= fields);
    CHECK(check_params(ws_cookies(r)) <= cookies);
    for (const ws_param *p = ws_cookies(r); p->name; p++)
        CHECK(p->name[0] && !strpbrk(p->name, "=;"));
    CHECK(ws_query(r) == ws_query(r) && ws_cookies(r) == ws_cookies(r));
    for (const char *const *p = ws_requested_subprotocols(r); *p; p++)
        CHECK(ws__header_has_token(r->headers, "Sec-WebSocket-Protocol", *p));
}

/* A name and a value with every byte escaped are what they were. */
static void check_pair(const char *name, const char *value)
{
    static struct ws__session s;
    char *query = malloc(3 * (strlen(name) + strlen(value)) + 2), *p = query;
    struct ws__request r;

    CHECK(query);
    for (const char *c = name; *c; c++)
        p += sprintf(p, "%%%02X", (unsigned char)*c);
    *p++ = '=';
    for (const char *c = value; *c; c++)
        p += sprintf(p, "%%%02x", (unsigned char)*c);
    *p = '\0';
    ws__request_init(&r, &s);
    r.pub.query = query;
    const ws_param *list = ws_query(&r.pub);
    CHECK(list[0].name && strcmp(list[0].name, name) == 0);
    CHECK(strcmp(list[0].value, value) == 0 && !list[1].name);
    ws_free(r.made[WS__MADE_QUERY]);
    free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ws__session s;
    struct input in = { data, size };
    struct fields f = { 0 };
    struct ws__request r;
    char *query = string_of(take_until(&in, '\n'));
    size_t cookies = 0;

    take_fields(&f, &in);
    for (size_t i = 0; i < f.n; i++)
        for (const char *p = f.list[i].value - 1; p; p = strchr(p + 1, ';'))
            cookies++;
    char *body = string_of(as_str(in));
    ws__request_init(&r, &s);
    r.pub.query = query;
    r.pub.headers = f.list;
    r.pub.body = body;
    r.pub.body_len = in.n;
    check_request(&r.pub, cookies);
    const ws_param *first = ws_query(&r.pub);
    if (first->name)
        check_pair(first->name, first->value);
    for (size_t i = 0; i < COUNT(r.made); i++)
        ws_free(r.made[i]);
    free(body);
    free_fields(&f);
    free(query);
    return 0;
}
