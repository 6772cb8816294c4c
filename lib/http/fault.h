/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_FAULT_H
#define WS_HTTP_FAULT_H

#include <silverback/base.h>

/* Why no whole request came: what to answer, with a static text.  Status 0:
 * close without an answer. */
struct ws__fault {
    int status;
    const char *text;
};

/* Returns WS_ERR_HTTP. */
static inline int ws__fault_set(struct ws__fault *f, int status,
                                const char *text)
{
    *f = (struct ws__fault){ .status = status, .text = text };
    return WS_ERR_HTTP;
}

static inline int ws__fault_memory(struct ws__fault *f)
{
    return ws__fault_set(f, 500, "out of memory");
}

#endif
