/* SPDX-License-Identifier: MIT */

#include "proto/http_parse.h"

#include <string.h>

#include "proto/header.h"
#include "proto/http_target.h"

enum {
    BAD_REQUEST = 400,
    URI_TOO_LONG = 414,
    HEADERS_TOO_LARGE = 431,
    VERSION_NOT_SUPPORTED = 505,
};

void ws__http_init(struct ws__http_head *h, bool response, size_t max_bytes)
{
    memset(h, 0, sizeof(*h));
    h->response = response;
    h->max_bytes = max_bytes < INT32_MAX ? max_bytes : INT32_MAX;
    ws__http_room(h, h->few, WS__FIELDS_MAX);
}

void ws__http_room(struct ws__http_head *h, struct ws__field *fields,
                   unsigned n)
{
    h->fields = fields;
    h->max_fields = n;
}

static int parse_fail(struct ws__http_head *h, int fault, const char *text)
{
    h->fault = fault;
    h->text = text;
    return WS_ERR_HTTP;
}

static struct ws__str slice(const char *p, struct ws__span s)
{
    return (struct ws__str){ .p = p + s.at, .n = s.len };
}

static struct ws__span span(const char *p, struct ws__str s)
{
    return (struct ws__span){ .at = (uint32_t)(s.p - p), .len = (uint32_t)s.n };
}

/* ---- First lines -------------------------------------------------------- */

/* Take what stands before the next space, and the space. */
static bool take_word(struct ws__str *line, struct ws__str *word)
{
    const char *space = memchr(line->p, ' ', line->n);

    if (!space)
        return false;
    *word = (struct ws__str){ .p = line->p, .n = (size_t)(space - line->p) };
    line->p = space + 1;
    line->n -= word->n + 1;
    return word->n > 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1" (RFC 9112, section 2.3). */
static int take_version(struct ws__http_head *h, struct ws__str s)
{
    if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || !is_digit(s.p[5]) ||
        s.p[6] != '.' || !is_digit(s.p[7]))
        return parse_fail(h, BAD_REQUEST, "the version is not HTTP/1.1");
    if (s.p[5] != '1')
        return parse_fail(h, VERSION_NOT_SUPPORTED,
                          "the version is not HTTP/1.1 but another");
    h->minor = s.p[7] - '0';
    return 0;
}

static int request_line(struct ws__http_head *h, const char *p,
                        struct ws__str line)
{
    struct ws__str method, target;
    struct ws__target parts;

    if (!take_word(&line, &method) || !take_word(&line, &target))
        return parse_fail(h, BAD_REQUEST,
                          "the request line is not: method, target, version");
    if (!ws__is_token(method))
        return parse_fail(h, BAD_REQUEST, "the method is not a token");
    int error = take_version(h, line);
    if (error != 0)
        return error;
    if (!ws__target_split(target, &parts))
        return parse_fail(h, BAD_REQUEST,
                          "the target is neither a path nor a whole URL");
    if (ws__str_is(target, "*") && !ws__str_is(method, "OPTIONS"))
        return parse_fail(h, BAD_REQUEST, "the target * is for OPTIONS alone");
    h->method = span(p, method);
    h->target = span(p, target);
    return 0;
}

static int status_line(struct ws__http_head *h, const char *p,
                       struct ws__str line)
{
    struct ws__str version, code;
    unsigned long long status;

    if (!take_word(&line, &version))
        return parse_fail(h, BAD_REQUEST, "no status line");
    int error = take_version(h, version);
    if (error != 0)
        return error;
    code = (struct ws__str){ .p = line.p, .n = line.n < 3 ? line.n : 3 };
    if (!ws__str_number(code, 999, &status) || status < 100 ||
        (line.n > 3 && line.p[3] != ' '))
        return parse_fail(h, BAD_REQUEST, "the status is not 100 to 999");
    h->status = (int)status;
    size_t skip = line.n > 3 ? 4 : 3;
    h->reason = span(p, (struct ws__str){ line.p + skip, line.n - skip });
    return 0;
}

/* ---- Fields ------------------------------------------------------------- */

/* The value goes on behind the fold, which is in it until its bytes may be
 * changed. */
static int folded_line(struct ws__http_head *h, const char *p,
                       struct ws__str line)
{
    struct ws__str more = ws__str_trim(line);

    if (!h->response)
        return parse_fail(h, BAD_REQUEST, "a folded header line");
    if (h->nfields == 0)
        return parse_fail(h, BAD_REQUEST, "a folded line before any header");

    struct ws__span *value = &h->fields[h->nfields - 1].value;
    if (value->len == 0)
        *value = span(p, more);
    else if (more.n > 0)
        value->len = (uint32_t)(more.p + more.n - p) - value->at;
    return 0;
}

static int field_line(struct ws__http_head *h, const char *p,
                      struct ws__str line)
{
    const char *colon = memchr(line.p, ':', line.n);

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return folded_line(h, p, line);
    if (!colon)
        return parse_fail(h, BAD_REQUEST, "a header line without a colon");

    struct ws__str name = { .p = line.p, .n = (size_t)(colon - line.p) };
    struct ws__str value = { .p = colon + 1, .n = line.n - name.n - 1 };
    if (!ws__is_token(name))
        return parse_fail(h, BAD_REQUEST, "a header name is not a token");
    if (h->nfields == h->max_fields)
        return parse_fail(h, HEADERS_TOO_LARGE,
                          h->response
                              ? "too many header fields (max_response_fields)"
                              : "too many header fields");
    h->fields[h->nfields].name = span(p, name);
    h->fields[h->nfields].value = span(p, ws__str_trim(value));
    h->nfields++;
    return 0;
}

/* Exactly one Host, or at most one before HTTP/1.1 (RFC 9112, section 3.2). */
static int check_host(struct ws__http_head *h, const char *p)
{
    unsigned hosts = 0;

    for (unsigned i = 0; i < h->nfields; i++) {
        if (!ws__str_is_nocase(slice(p, h->fields[i].name), "host"))
            continue;
        hosts++;
        if (!ws__host_valid(slice(p, h->fields[i].value)))
            return parse_fail(h, BAD_REQUEST, "the Host field is malformed");
    }
    if (hosts == 0 && h->minor > 0)
        return parse_fail(h, BAD_REQUEST, "the Host field is missing");
    if (hosts > 1)
        return parse_fail(h, BAD_REQUEST, "more than one Host field");
    return 0;
}

/* ---- Lines -------------------------------------------------------------- */

/* The first line is still to come: what it sets is not set. */
static bool before_fields(const struct ws__http_head *h)
{
    return h->method.len == 0 && h->status == 0;
}

/* One line, without its end.  Returns 1 for the end of the head, 0, or an
 * error. */
static int take_line(struct ws__http_head *h, const char *p,
                     struct ws__str line)
{
    bool first = before_fields(h);

    if (line.n == 0 && h->lines == 0 && !h->response)
        return 0; /* one is forgiven (RFC 9112, section 2.2) */
    if (line.n == 0 && first)
        return parse_fail(h, BAD_REQUEST, "the first line is empty");
    if (first)
        return h->response ? status_line(h, p, line) : request_line(h, p, line);
    if (line.n > 0)
        return field_line(h, p, line);
    int error = h->response ? 0 : check_host(h, p);
    return error == 0 ? 1 : error;
}

static bool is_after_cr(const char *p, size_t i)
{
    return i > 0 && p[i - 1] == '\r';
}

/* Control bytes, a CR without its LF, and in a request the reverse. */
static const char *byte_fault(const struct ws__http_head *h, const char *p,
                              size_t i)
{
    unsigned char c = (unsigned char)p[i];

    if (c == '\n')
        return h->response || is_after_cr(p, i)
                   ? NULL
                   : "a line feed without a carriage return";
    if (is_after_cr(p, i))
        return "a carriage return without a line feed";
    if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
        return "a control byte";
    return NULL;
}

static int over_limit(struct ws__http_head *h)
{
    if (before_fields(h) && !h->response)
        return parse_fail(h, URI_TOO_LONG, "the request line is too long");
    return parse_fail(h, HEADERS_TOO_LARGE, "the head is too large");
}

int ws__http_parse(struct ws__http_head *h, const char *p, size_t n)
{
    if (h->fault)
        return WS_ERR_HTTP;
    while (h->scanned < n) {
        size_t i = h->scanned++;
        const char *text = byte_fault(h, p, i);

        if (text)
            return parse_fail(h, BAD_REQUEST, text);
        if (i >= h->max_bytes)
            return over_limit(h);
        if (p[i] != '\n')
            continue;
        struct ws__str line = { p + h->line, i - h->line - is_after_cr(p, i) };
        int end = take_line(h, p, line);
        if (end < 0)
            return end;
        h->line = i + 1;
        h->lines++;
        if (end > 0)
            return (int)h->line;
    }
    return 0;
}

/* ---- Strings ------------------------------------------------------------ */

static char *terminate(char *p, struct ws__span s)
{
    p[s.at + s.len] = '\0';
    return p + s.at;
}

/* One blank for each fold (RFC 9112, section 5.2). */
static void unfold(char *s)
{
    static const char end[] = "\r\n", blank[] = " \t\r\n";
    char *from = s + strcspn(s, end), *to = from;

    while (*from) {
        while (to > s && strchr(blank, to[-1]))
            to--;
        from += strspn(from, blank);
        size_t n = strcspn(from, end);
        *to++ = ' ';
        memmove(to, from, n);
        to += n;
        from += n;
    }
    *to = '\0';
}

void ws__http_strings(const struct ws__http_head *h, char *p, ws_header *out)
{
    if (h->method.len > 0) {
        terminate(p, h->method);
        terminate(p, h->target);
    } else {
        terminate(p, h->reason);
    }
    for (unsigned i = 0; i < h->nfields; i++) {
        out[i].name = terminate(p, h->fields[i].name);
        out[i].value = terminate(p, h->fields[i].value);
        if (h->response)
            unfold(p + h->fields[i].value.at);
    }
    out[h->nfields] = (ws_header){ 0 };
}
