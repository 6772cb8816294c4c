/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HTTP_WRITE_H
#define WS_PROTO_HTTP_WRITE_H

#include <stdbool.h>

#include <silverback/http.h>

/* The head of a message, being written into bytes of its own.  Errors stick, so
 * only the end needs a check. */
struct ws__http_out {
    char *p;
    size_t len;
    size_t cap;
    int error; /* 0, -ENOMEM, or WS_ERR_INVALID for what must not be written */
    bool secret; /* there are credentials in it: nothing is left in memory */
};

const char *ws__http_reason(int status); /* "Not Found"; "" if unknown */

void ws__http_out_init(struct ws__http_out *o);

/* A request's first line is refused where method or target hold anything that
 * would end or split it. */
void ws__http_request_line(struct ws__http_out *o, const char *method,
                           const char *target);
void ws__http_status_line(struct ws__http_out *o, int status); /* 3 digits */

/* A name that is no token is refused; control bytes in a value become blanks.
 * fmt is for a value made of parts, refused from 512 bytes on. */
void ws__http_field(struct ws__http_out *o, const char *name,
                    const char *value);
void ws__http_fieldf(struct ws__http_out *o, const char *name, const char *fmt,
                     ...) WS_PRINTF(3, 4);
/* One more value, for the list that is the field before. */
void ws__http_field_more(struct ws__http_out *o, const char *value);
/* "Basic" and "user:password" in base64 (RFC 7617, section 2). */
void ws__http_basic(struct ws__http_out *o, const char *name,
                    const char *credentials);

/* The empty line.  Returns o->error. */
int ws__http_end(struct ws__http_out *o);

void ws__http_out_fini(struct ws__http_out *o);

#endif
