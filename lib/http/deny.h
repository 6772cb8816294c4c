/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_DENY_H
#define WS_HTTP_DENY_H

#include "http/request.h"

/* An answer that the library gives by itself. */
struct ws__denial {
    int status;
    const char *reason;      /* for the server's error function */
    const char *text;        /* for the client, where there is none; NULL: the
                              * reason */
    const ws_header *needed; /* by the status: as in ws__request */
};

/* Give it: by the server's error function, or in plain text if it does not
 * reply.  Returns what ws_reply does. */
int ws__deny(struct ws__request *r, const struct ws__denial *d);

#endif
