/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_REPLY_H
#define WS_HTTP_REPLY_H

#include "http/request.h"

/*
 * Begin an answer whose body has len bytes: its head and the first n of them,
 * in one write if they are few.  What HEAD or the status leaves no room for is
 * left out.  Errors are those of ws_reply.
 */
int ws__reply_begin(struct ws__request *r, int status, const ws_header *headers,
                    uint64_t len, const void *first, size_t n);
int ws__reply_more(struct ws__request *r, const void *p, size_t n);

#endif
