/* SPDX-License-Identifier: MIT */

#include "base/error.h"

#include <string.h>

#include "base/line.h"

/* Its text is static, whatever the thread: in musl strerror's is so, too. */
#ifdef WS__HAVE_STRERRORDESC
#define errno_text(code) strerrordesc_np(code)
#else
#define errno_text(code) strerror(code)
#endif

static const char *system_text(int code)
{
    const char *text = code > 0 ? errno_text(code) : NULL;

    return text ? text : "unknown error";
}

const char *ws_strerror(int code)
{
    static const struct {
        int code;
        const char *text;
    } rows[] = { { 0, "no error" },
#define ROW(name, code, text) { code, text },
                 WS_ERROR_MAP(ROW)
#undef ROW
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].code == code)
            return rows[i].text;
    return system_text(code > INT32_MIN ? -code : 0);
}

#undef ws__fail /* that one is for callers */
int ws__fail(ws_error *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (!err || err->code != 0)
        return code;
    err->code = code;
    va_start(ap, fmt);
    ws__line_format(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return code;
}
