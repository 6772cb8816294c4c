/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HTTP_BODY_H
#define WS_PROTO_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/http.h>

/* How the body of a message is framed (RFC 9112, section 6), and how far it is
 * read. */
struct ws__body {
    bool present; /* Content-Length above 0, or chunked */
    bool chunked;
    bool sized;    /* a Content-Length was there */
    bool done;     /* all of it was read */
    uint64_t left; /* of the body, or of this chunk */
    int state;
    size_t line;   /* bytes of this chunk line or of the trailers */
    size_t excess; /* of all lines so far, that neither a chunk needs nor the
                    * body makes up for */

    int fault; /* after an error: as in ws__http_head */
    const char *text;
};

/*
 * From the fields of a request or a response.  Content-Length is digits only,
 * several must be equal; Transfer-Encoding is "chunked" alone and not beside a
 * Content-Length, and not in HTTP/1.0 (minor 0).
 *
 * Returns 0, or WS_ERR_HTTP with b->fault: 400, or 501 for another coding.
 */
int ws__body_init(struct ws__body *b, const ws_header *headers, int minor);

/*
 * Read on, in the n bytes at p.  *data and *len are set to the next bytes of
 * the body within p; *len may be 0.  Chunk extensions and trailers are checked
 * and dropped.
 *
 * Returns how many bytes of p are done with, in one step; call again until it
 * returns 0 (more is needed) or b->done.  WS_ERR_HTTP when it is malformed, or
 * (fault 413) extensions and trailers are too large, each or in sum.
 */
ptrdiff_t ws__body_next(struct ws__body *b, const char *p, size_t n,
                        const char **data, size_t *len);

#endif
