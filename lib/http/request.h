/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_REQUEST_H
#define WS_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/http.h>

#include "base/buf.h"
#include "http/fault.h"
#include "http/session.h"

struct ws__spool;

/* What is made of a request when it is asked for. */
enum ws__made {
    WS__MADE_QUERY,
    WS__MADE_FORM,
    WS__MADE_COOKIES,
    WS__MADE_SUBPROTOCOLS,
    WS__MADE_CLIENT, /* at once: by http/peer */
    WS__MADE_CERT,
    WS__MADE_KINDS,
};

/* A request and its memory: one block, which is as large as its head, and the
 * body. */
struct ws__request {
    ws_request pub; /* first: a ws_request is cast to this */
    struct ws__session *session;
    int minor; /* HTTP/1.minor */
    bool has_body;
    bool is_head;    /* the method */
    bool keep_alive; /* the connection goes on after the answer */
    bool answered;   /* or upgraded */
    bool refused;    /* is to be, or was: it is not upgraded any more */
    bool denied;     /* the server's error function has been asked */
    int status;      /* of the answer; 0: none yet */
    uint64_t sent;   /* bytes of its body */
    int64_t began;   /* when its head was here; 0: it never was */
    struct ws__buf body;
    struct ws__spool *spool;    /* the body is in a file; NULL: it is not */
    char *rest;                 /* of its memory: see take_target */
    void *made[WS__MADE_KINDS]; /* each one block */
    const ws_header *needed;    /* go out with the answer, but for those that
                                 * it has itself; ended by {0}; NULL: none */
};

/* What a caller's request is the public part of; NULL unless it is one of the
 * library's own. */
static inline struct ws__request *ws__request_of(ws_request *r)
{
    return r && r->self_ == r ? (struct ws__request *)r : NULL;
}

/* A request of which nothing is known. */
void ws__request_init(struct ws__request *r, struct ws__session *s);

/* Wait for the next request and read it whole.  If f->status is not 0 then, it
 * is to be refused, and is what has come of one.  NULL: the connection ends
 * without an answer. */
struct ws__request *ws__request_receive(struct ws__session *s,
                                        struct ws__fault *f);
void ws__request_free(struct ws__request *r);

#endif
