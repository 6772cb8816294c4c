/* SPDX-License-Identifier: MIT */

#include "proto/fault.h"

#include <errno.h>

enum ws__event ws__fault(struct ws__reader *r, int error, int close_code,
                         const char *text)
{
    r->error = error;
    r->close_code = close_code;
    r->text = text;
    return WS__FAILED;
}

enum ws__event ws__fault_too_big(struct ws__reader *r)
{
    return ws__fault(r, WS_ERR_TOO_BIG, WS_CLOSE_TOO_BIG,
                     "the message is larger than the read limit");
}

enum ws__event ws__fault_not_utf8(struct ws__reader *r)
{
    return ws__fault(r, WS_ERR_UTF8, WS_CLOSE_BAD_PAYLOAD,
                     "a text message is not UTF-8");
}

enum ws__event ws__fault_no_memory(struct ws__reader *r)
{
    return ws__fault(r, -ENOMEM, WS_CLOSE_INTERNAL, "out of memory");
}
