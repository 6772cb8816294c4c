/* SPDX-License-Identifier: MIT */

#include "proto/close.h"

#include <string.h>

#include <silverback/conn.h>

#include "base/endian.h"
#include "base/utf8.h"

bool ws__close_sendable(int code)
{
    return (code >= WS_CLOSE_NORMAL && code <= WS_CLOSE_UNSUPPORTED) ||
           (code >= WS_CLOSE_BAD_PAYLOAD && code <= WS_CLOSE_BAD_GATEWAY) ||
           (code >= 3000 && code <= 4999);
}

const char *ws__close_name(int code)
{
    static const char *const names[] = {
        [WS_CLOSE_NORMAL - 1000] = "normal",
        [WS_CLOSE_GOING_AWAY - 1000] = "going away",
        [WS_CLOSE_PROTOCOL_ERROR - 1000] = "protocol error",
        [WS_CLOSE_UNSUPPORTED - 1000] = "unsupported data",
        [WS_CLOSE_NO_STATUS - 1000] = "no status",
        [WS_CLOSE_ABNORMAL - 1000] = "abnormal closure",
        [WS_CLOSE_BAD_PAYLOAD - 1000] = "invalid payload data",
        [WS_CLOSE_POLICY - 1000] = "policy violation",
        [WS_CLOSE_TOO_BIG - 1000] = "message too big",
        [WS_CLOSE_MANDATORY_EXTENSION - 1000] = "mandatory extension missing",
        [WS_CLOSE_INTERNAL - 1000] = "internal server error",
        [WS_CLOSE_SERVICE_RESTART - 1000] = "service restart",
        [WS_CLOSE_TRY_AGAIN_LATER - 1000] = "try again later",
        [WS_CLOSE_BAD_GATEWAY - 1000] = "bad gateway",
        [WS_CLOSE_TLS_HANDSHAKE - 1000] = "TLS handshake error",
    };
    size_t i = (size_t)(code - 1000);

    if (code < 1000 || i >= sizeof(names) / sizeof(*names) || !names[i])
        return "";
    return names[i];
}

const char *ws__close_decode(const uint8_t *p, size_t n, int *code)
{
    *code = WS_CLOSE_NO_STATUS;
    if (n == 0)
        return NULL;
    if (n == 1)
        return "a close frame with half a code";
    *code = (int)load_be(p, 2);
    if (!ws__close_sendable(*code))
        return "a close code that must not be sent";
    if (!ws__utf8_is_valid(p + 2, n - 2))
        return "a close reason that is not UTF-8";
    return NULL;
}

struct ws__str ws__close_reason(const char *reason)
{
    struct ws__str s = ws__str(reason ? reason : "");

    s.n = ws__utf8_cut(s.p, s.n, WS__REASON_MAX);
    return s;
}

size_t ws__close_encode(uint8_t out[static 125], int code, const char *reason)
{
    if (code == WS_CLOSE_NO_STATUS)
        return 0;

    uint8_t *p = store_be(out, (uint64_t)code, 2);
    struct ws__str fits = ws__close_reason(reason);
    memcpy(p, fits.p, fits.n);
    return 2 + fits.n;
}
