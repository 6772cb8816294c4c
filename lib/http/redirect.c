/* SPDX-License-Identifier: MIT */

/* ws_redirect. */

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "http/request.h"
#include "proto/uri.h"

static bool is_redirection(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

static bool has_control_byte(const char *s)
{
    for (; *s; s++)
        if (ws__is_control(*s))
            return true;
    return false;
}

int ws_redirect(ws_request *r, int status, const char *location)
{
    if (!is_redirection(status) || !location || !*location ||
        has_control_byte(location))
        return WS_ERR_INVALID;
    char *uri = ws__alloc(3 * strlen(location) + 1);
    if (!uri)
        return -ENOMEM;
    ws__uri_escape(uri, location, ":/?#[]@!$&'()*+,;=%");

    const ws_header headers[] = { { "Content-Type",
                                    "text/plain; charset=utf-8" },
                                  { "Location", uri },
                                  { 0 } };
    int error = ws_reply(r, status, headers, uri, strlen(uri));
    ws_free(uri);
    return error;
}
