/* SPDX-License-Identifier: MIT */

#include "proto/condition.h"

#include "base/str.h"
#include "proto/etag.h"
#include "proto/http_date.h"

/* Is there a field of this name, and a date that can be compared?  One that
 * cannot be read is as none. */
static bool get_date(const ws_header *headers, const char *name,
                     const struct ws__validators *v, int64_t *date)
{
    const char *value = ws_header_get(headers, name);

    return value && v->dated && ws__http_date_parse(value, date);
}

static bool is_as_wanted(const ws_header *headers,
                         const struct ws__validators *v)
{
    int64_t date;

    if (ws_header_get(headers, "If-Match"))
        return ws__etag_listed(headers, "If-Match", ws__str(v->etag), true);
    return !get_date(headers, "If-Unmodified-Since", v, &date) ||
           v->modified <= date;
}

static bool is_cached(const ws_header *headers, const struct ws__validators *v)
{
    int64_t date;

    if (ws_header_get(headers, "If-None-Match"))
        return ws__etag_listed(headers, "If-None-Match", ws__str(v->etag),
                               false);
    return get_date(headers, "If-Modified-Since", v, &date) &&
           v->modified <= date;
}

int ws__condition(const ws_header *headers, const struct ws__validators *v)
{
    if (!is_as_wanted(headers, v))
        return 412;
    return is_cached(headers, v) ? 304 : 0;
}

bool ws__condition_of_range(const ws_header *headers,
                            const struct ws__validators *v)
{
    const char *value = ws_header_get(headers, "If-Range");
    int64_t date;

    if (!value)
        return true;
    if (ws__etag_is(ws__str(value)))
        return ws__etag_equal(ws__str(value), ws__str(v->etag), true);
    return get_date(headers, "If-Range", v, &date) && v->settled &&
           v->modified == date;
}
