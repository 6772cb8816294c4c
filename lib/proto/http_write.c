/* SPDX-License-Identifier: MIT */

#include "proto/http_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "proto/header.h"

enum { FIRST_SIZE = 512 };

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 103, "Early Hints" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 203, "Non-Authoritative Information" },
    { 204, "No Content" },
    { 205, "Reset Content" },
    { 206, "Partial Content" },
    { 300, "Multiple Choices" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 305, "Use Proxy" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 407, "Proxy Authentication Required" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 511, "Network Authentication Required" },
};

const char *ws__http_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

void ws__http_out_init(struct ws__http_out *o)
{
    *o = (struct ws__http_out){ 0 };
}

void ws__http_out_fini(struct ws__http_out *o)
{
    if (o->secret && o->p)
        explicit_bzero(o->p, o->len);
    ws_free(o->p);
    ws__http_out_init(o);
}

static char *out_grown(struct ws__http_out *o, size_t cap)
{
    if (!o->secret || !o->p)
        return ws__realloc(o->p, cap);
    char *p = ws__alloc(cap);
    if (!p)
        return NULL;
    memcpy(p, o->p, o->len);
    explicit_bzero(o->p, o->len);
    ws_free(o->p);
    return p;
}

static bool make_room(struct ws__http_out *o, size_t n)
{
    size_t cap = o->cap > 0 ? o->cap : FIRST_SIZE;

    if (o->error != 0)
        return false;
    while (cap - o->len < n)
        cap *= 2;
    if (cap == o->cap)
        return true;
    char *p = out_grown(o, cap);
    if (!p) {
        o->error = -ENOMEM;
        return false;
    }
    o->p = p;
    o->cap = cap;
    return true;
}

static void put(struct ws__http_out *o, const char *s, size_t n)
{
    if (!make_room(o, n))
        return;
    memcpy(o->p + o->len, s, n);
    o->len += n;
}

static void put_string(struct ws__http_out *o, const char *s)
{
    put(o, s, strlen(s));
}

static void refuse_unless(struct ws__http_out *o, bool good)
{
    if (!good && o->error == 0)
        o->error = WS_ERR_INVALID;
}

static bool is_target(const char *s)
{
    const char *p = s;

    while (*p && !ws__is_control(*p) && *p != ' ')
        p++;
    return p > s && *p == '\0';
}

void ws__http_request_line(struct ws__http_out *o, const char *method,
                           const char *target)
{
    refuse_unless(o, ws__is_token(ws__str(method)) && is_target(target));
    put_string(o, method);
    put(o, " ", 1);
    put_string(o, target);
    put_string(o, " HTTP/1.1\r\n");
}

void ws__http_status_line(struct ws__http_out *o, int status)
{
    char digits[20];

    put_string(o, "HTTP/1.1 ");
    put(o, digits, (size_t)(ws__decimal(digits, (unsigned)status) - digits));
    put(o, " ", 1);
    put_string(o, ws__http_reason(status));
    put(o, "\r\n", 2);
}

static void put_value(struct ws__http_out *o, const char *value)
{
    size_t at = o->len;

    put_string(o, value);
    for (; o->error == 0 && at < o->len; at++)
        if (ws__is_control(o->p[at]))
            o->p[at] = ' ';
    put(o, "\r\n", 2);
}

void ws__http_field(struct ws__http_out *o, const char *name, const char *value)
{
    refuse_unless(o, ws__is_token(ws__str(name)));
    put_string(o, name);
    put(o, ": ", 2);
    put_value(o, value);
}

void ws__http_field_more(struct ws__http_out *o, const char *value)
{
    if (o->error != 0)
        return;
    o->len -= 2; /* the line's end */
    put(o, ", ", 2);
    put_value(o, value);
}

void ws__http_fieldf(struct ws__http_out *o, const char *name, const char *fmt,
                     ...)
{
    char value[512];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    refuse_unless(o, n >= 0 && (size_t)n < sizeof(value));
    ws__http_field(o, name, value);
}

void ws__http_basic(struct ws__http_out *o, const char *name,
                    const char *credentials)
{
    size_t n = strlen(credentials);

    o->secret = true;
    ws__http_field(o, name, "Basic ");
    if (!make_room(o, WS__BASE64_LEN(n) + 1))
        return;
    o->len -= 2; /* the line's end */
    ws__base64_encode(o->p + o->len, (const uint8_t *)credentials, n);
    o->len += WS__BASE64_LEN(n);
    put(o, "\r\n", 2);
}

int ws__http_end(struct ws__http_out *o)
{
    put(o, "\r\n", 2);
    return o->error;
}
