/* SPDX-License-Identifier: MIT */

/* What a client says of the file that it has, and of the part that it wants:
 * dates, entity tags, conditions, ranges (RFC 9110, sections 5.6.7, 8.8, 13, 14). */

#include "fuzz/fields.h"

#include "proto/condition.h"
#include "proto/etag.h"
#include "proto/http_date.h"
#include "proto/range.h"

static void check_date(const char *s)
{
    char text[WS__HTTP_DATE_LEN + 1];
    int64_t seconds = 0, again = 0;

    if (!ws__http_date_parse(s, &seconds))
        return;
    CHECK(seconds >= 0 && strlen(s) == WS__HTTP_DATE_LEN);
    if (!ws__http_date(text, seconds))
        return; /* a leap second in 9999 */
    CHECK(ws__http_date_parse(text, &again) && again == seconds);
    /* The day's name may be wrong, and a second the sixtieth. */
    CHECK(memcmp(s + 23, "60", 2) == 0 || strcmp(s + 3, text + 3) == 0);
}

static void check_range(const char *s, uint64_t size)
{
    uint64_t first = 0, len = 0, again_first = 0, again_len = 0;
    char text[64];

    if (ws__range_parse(s, size, &first, &len) != WS__RANGE_PART)
        return;
    CHECK(len > 0 && first < size && len <= size - first);
    snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)first,
             (unsigned long long)(first + len - 1));
    CHECK(ws__range_parse(text, size, &again_first, &again_len) ==
          WS__RANGE_PART);
    CHECK(again_first == first && again_len == len);
}

static void check_etag(struct ws__str tag, const ws_header *headers)
{
    bool weak = tag.n >= 2 && memcmp(tag.p, "W/", 2) == 0;

    if (!ws__etag_is(tag))
        return;
    CHECK(tag.n >= 2 && tag.p[tag.n - 1] == '"');
    CHECK(ws__etag_equal(tag, tag, false));
    CHECK(ws__etag_equal(tag, tag, true) != weak);
    if (ws__etag_listed(headers, "If-Match", tag, true))
        CHECK(ws__etag_listed(headers, "If-Match", tag, false));

    char *alone = string_of(tag);
    const ws_header list[] = { { "If-None-Match", alone }, { 0 } };
    if (strlen(alone) == tag.n)
        CHECK(ws__etag_listed(list, "if-none-match", tag, false));
    free(alone);
}

static void check_conditions(const ws_header *headers)
{
    static const struct ws__validators v[] = {
        { "\"a\"", 784111777, true, true },
        { "W/\"a\"", 784111777, true, false },
        { "\"a\"", 0, false, false },
    };

    for (size_t i = 0; i < COUNT(v); i++) {
        int status = ws__condition(headers, &v[i]);

        CHECK(status == 0 || status == 304 || status == 412);
        if (!ws_header_get(headers, "If-Range"))
            CHECK(ws__condition_of_range(headers, &v[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = { 0, 1, 1000, UINT64_MAX };
    struct input in = { data, size };
    struct fields f = { 0 };
    uint64_t whole = sizes[take_byte(&in) & 3];

    take_fields(&f, &in);
    for (size_t i = 0; i < f.n; i++) {
        check_date(f.list[i].value);
        check_range(f.list[i].value, whole);
        check_etag(ws__str(f.list[i].value), f.list);
    }
    check_conditions(f.list);
    free_fields(&f);
    return 0;
}
