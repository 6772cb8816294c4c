/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HTTP_PARSE_H
#define WS_PROTO_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/http.h>

#define WS__FIELDS_MAX 100

/* A place in the head; the bytes may move between calls, so no pointer. */
struct ws__span {
    uint32_t at;
    uint32_t len;
};

/* Where a header field's parts are. */
struct ws__field {
    struct ws__span name, value;
};

/*
 * The head of a request or a response, as it arrives (RFC 9112).
 *
 * Names are tokens right before the colon, and there are no control bytes.
 *
 * A request is read strictly, since whoever passed it on may have read it in
 * another way: lines end in CRLF, none is folded, there is exactly one valid
 * Host (HTTP/1.0: at most one), and a target in origin-form or absolute-form.
 *
 * A response answers what was asked here, and nothing behind it is taken for
 * another, so it is read as other clients do: a line may end in a bare LF
 * (section 2.2), folded lines are unfolded (section 5.2), and a status of no
 * known class is taken (RFC 9110, section 15).
 */
struct ws__http_head {
    bool response; /* lenient, else strict */
    size_t max_bytes;
    unsigned max_fields;

    size_t line;    /* where the line begins that is not yet whole, or faulty */
    size_t scanned; /* bytes looked at: none is looked at twice */
    unsigned lines; /* lines that are done */

    int minor;  /* HTTP/1.minor */
    int status; /* of a response */
    struct ws__span method, target, reason;
    unsigned nfields;
    struct ws__field *fields; /* few, or what ws__http_room gave */
    struct ws__field few[WS__FIELDS_MAX];

    int fault;        /* after an error: the status to answer with, */
    const char *text; /* and one static line that says why */
};

/* It must not move from then on. */
void ws__http_init(struct ws__http_head *h, bool response, size_t max_bytes);

/* Take up to n fields, into the caller's, instead of WS__FIELDS_MAX. */
void ws__http_room(struct ws__http_head *h, struct ws__field *fields,
                   unsigned n);

/*
 * Parse the n bytes at p that have come since the head began, all of them at
 * every call.
 *
 * Returns the size of the head once its empty line is there, 0 before, or
 * WS_ERR_HTTP with h->fault: 400, 414 (first line too long), 431 (too many
 * bytes or fields), 505 (not HTTP/1).  The same code ever after.
 */
int ws__http_parse(struct ws__http_head *h, const char *p, size_t n);

/* Once parsed: put a NUL behind each part within p, and list the fields in out,
 * which has room for h->nfields + 1, ended by {0}.  Values are trimmed; in those
 * of a response a fold is one blank. */
void ws__http_strings(const struct ws__http_head *h, char *p, ws_header *out);

#endif
