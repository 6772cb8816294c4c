/* SPDX-License-Identifier: MIT */

#include "proto/http_body.h"

#include <silverback/base.h>

#include "base/str.h"

enum {
    BAD_REQUEST = 400,
    TOO_LARGE = 413,
    NOT_IMPLEMENTED = 501,

    /* Bytes of a chunk's line, or of all trailers: more says nothing. */
    LINE_MAX_BYTES = 4096,

    /* And of all lines, beyond what a chunk needs and as many as the body has
     * (RFC 9112, section 7.1.1). */
    LINE_NEEDED = 16,
    EXCESS_MAX = 16 * 1024,
};

/* Where in the chunked coding we are (RFC 9112, section 7.1). */
enum {
    SIZE,      /* digits of a chunk's size */
    BLANKS,    /* between it and what follows */
    EXTENSION, /* what follows it on its line */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER,
    TRAILER_LF,
    END_LF,
};

static int body_fail(struct ws__body *b, int fault, const char *text)
{
    b->fault = fault;
    b->text = text;
    return WS_ERR_HTTP;
}

/* ---- Framing ------------------------------------------------------------ */

/* A list of numbers that are all the same. */
static bool length_of(const char *value, uint64_t *length)
{
    struct ws__str rest = ws__str(value);
    bool first = true;

    for (;;) {
        struct ws__str element = rest;
        unsigned long long n;
        size_t comma = 0;

        while (comma < rest.n && rest.p[comma] != ',')
            comma++;
        element.n = comma;
        if (!ws__str_number(ws__str_trim(element), INT64_MAX, &n) ||
            (!first && n != *length))
            return false;
        *length = n;
        first = false;
        if (comma == rest.n)
            return true;
        rest.p += comma + 1;
        rest.n -= comma + 1;
    }
}

static int take_length(struct ws__body *b, const char *value)
{
    uint64_t length = 0;

    if (!length_of(value, &length))
        return body_fail(b, BAD_REQUEST, "the Content-Length is not a number");
    if (b->sized && length != b->left)
        return body_fail(b, BAD_REQUEST, "two Content-Lengths that differ");
    b->sized = true;
    b->left = length;
    return 0;
}

static int take_coding(struct ws__body *b, const char *value)
{
    if (b->chunked)
        return body_fail(b, BAD_REQUEST, "more than one Transfer-Encoding");
    if (!ws__equal_nocase(value, "chunked"))
        return body_fail(b, NOT_IMPLEMENTED,
                         "a Transfer-Encoding other than chunked");
    b->chunked = true;
    return 0;
}

int ws__body_init(struct ws__body *b, const ws_header *headers, int minor)
{
    int error = 0;

    *b = (struct ws__body){ .state = SIZE };
    for (const ws_header *h = headers; error == 0 && h && h->name; h++) {
        if (ws__equal_nocase(h->name, "content-length"))
            error = take_length(b, h->value);
        else if (ws__equal_nocase(h->name, "transfer-encoding"))
            error = take_coding(b, h->value);
    }
    if (error != 0)
        return error;
    if (b->chunked && b->sized)
        return body_fail(b, BAD_REQUEST,
                         "a Content-Length beside a Transfer-Encoding");
    if (b->chunked && minor == 0)
        return body_fail(b, BAD_REQUEST, "a Transfer-Encoding in HTTP/1.0");
    b->present = b->chunked || b->left > 0;
    b->done = !b->present;
    return 0;
}

/* ---- Chunks ------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ws__lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What may follow a size: blanks, an extension, the end of the line. */
static int size_end(struct ws__body *b, char c)
{
    if (c == '\r')
        b->state = SIZE_LF;
    else if (c == ';')
        b->state = EXTENSION;
    else if (c == ' ' || c == '\t')
        b->state = BLANKS;
    else
        return body_fail(b, BAD_REQUEST,
                         "a chunk size that is not hexadecimal");
    return 0;
}

static int size_byte(struct ws__body *b, char c)
{
    int digit = hex(c);

    if (digit < 0)
        return b->line > 1
                   ? size_end(b, c)
                   : body_fail(b, BAD_REQUEST, "a chunk without a size");
    if (b->left > (INT64_MAX >> 4))
        return body_fail(b, BAD_REQUEST, "a chunk size that is too large");
    b->left = b->left << 4 | (unsigned)digit;
    return 0;
}

static bool is_text(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

/* A byte that is text stays in the line; CR leads on to next. */
static int line_byte(struct ws__body *b, char c, int next)
{
    if (c == '\r')
        b->state = next;
    else if (!is_text(c))
        return body_fail(b, BAD_REQUEST, "a control byte between chunks");
    return 0;
}

static int exact_byte(struct ws__body *b, char c, char wanted, int next)
{
    if (c != wanted)
        return body_fail(b, BAD_REQUEST, "a chunk that does not end in CRLF");
    b->state = next;
    b->line = 0;
    return 0;
}

static bool is_excessive(struct ws__body *b)
{
    if (++b->line > LINE_NEEDED)
        b->excess++;
    return b->line > LINE_MAX_BYTES || b->excess > EXCESS_MAX;
}

static int frame_byte(struct ws__body *b, char c)
{
    if (is_excessive(b))
        return body_fail(b, TOO_LARGE,
                         "too much in chunk extensions or trailers");
    switch (b->state) {
    case SIZE:
        return size_byte(b, c);
    case BLANKS:
        return size_end(b, c);
    case EXTENSION:
        return line_byte(b, c, SIZE_LF);
    case SIZE_LF:
        return exact_byte(b, c, '\n', b->left > 0 ? DATA : TRAILER_START);
    case DATA_CR:
        return exact_byte(b, c, '\r', DATA_LF);
    case DATA_LF:
        return exact_byte(b, c, '\n', SIZE);
    case TRAILER_START:
        b->state = TRAILER;
        return line_byte(b, c, END_LF);
    case TRAILER:
        return line_byte(b, c, TRAILER_LF);
    case TRAILER_LF:
    case END_LF:
        break;
    }
    if (c != '\n')
        return body_fail(b, BAD_REQUEST, "a trailer that does not end in CRLF");
    b->done = b->state == END_LF;
    b->state = TRAILER_START;
    return 0;
}

static ptrdiff_t take_data(struct ws__body *b, const char *p, size_t n,
                           const char **data, size_t *len)
{
    *data = p;
    *len = b->left < n ? (size_t)b->left : n;
    b->left -= *len;
    b->excess -= *len < b->excess ? *len : b->excess;
    if (b->left == 0 && b->chunked)
        b->state = DATA_CR;
    b->done = b->left == 0 && !b->chunked;
    return (ptrdiff_t)*len;
}

ptrdiff_t ws__body_next(struct ws__body *b, const char *p, size_t n,
                        const char **data, size_t *len)
{
    size_t i = 0;

    *data = p;
    *len = 0;
    if (b->fault)
        return WS_ERR_HTTP;
    if (!b->chunked || b->state == DATA)
        return b->done ? 0 : take_data(b, p, n, data, len);
    while (i < n && b->state != DATA && !b->done)
        if (frame_byte(b, p[i++]) != 0)
            return WS_ERR_HTTP;
    return (ptrdiff_t)i;
}
