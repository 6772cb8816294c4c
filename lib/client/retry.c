/* SPDX-License-Identifier: MIT */

#include "client/retry.h"

#include <string.h>

#include "base/str.h"
#include "proto/http_date.h"

enum { DAY = 24 * 60 * 60 };

static bool status_will_change(int status)
{
    static const int will_not[] = { 301, 308, 501, 505 };
    static const int will[] = { 408, 425, 429 };

    for (size_t i = 0; i < sizeof(will_not) / sizeof(*will_not); i++)
        if (status == will_not[i])
            return false;
    for (size_t i = 0; i < sizeof(will) / sizeof(*will); i++)
        if (status == will[i])
            return true;
    return status < 400 || status > 499;
}

bool ws__retry_is_hopeless(const ws_error *err)
{
    return err->code == WS_ERR_URL || err->code == WS_ERR_INVALID ||
           !status_will_change(err->http_status);
}

static int64_t seconds_until(const char *date, const ws_response *resp,
                             int64_t now)
{
    const char *sent = ws_header_get(resp->headers, "Date");
    int64_t then;

    if (!ws__http_date_parse(date, &then))
        return 0;
    if (sent)
        ws__http_date_parse(sent, &now);
    return then - now;
}

/* A number of seconds, or a date.  More than a day's are as good as that. */
static int64_t seconds_of(const char *s, const ws_response *resp, int64_t now)
{
    unsigned long long n = DAY;

    if (*s == '\0' || s[strspn(s, "0123456789")] != '\0')
        return seconds_until(s, resp, now);
    ws__str_number(ws__str(s), DAY, &n);
    return (int64_t)n;
}

int64_t ws__retry_after(const ws_response *resp, int64_t now)
{
    const char *s = resp ? ws_header_get(resp->headers, "Retry-After") : NULL;
    int64_t seconds = s ? seconds_of(s, resp, now) : 0;

    if (seconds < 0)
        seconds = 0;
    return (seconds < DAY ? seconds : DAY) * 1000;
}
