/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "base/base64.h"
#include "page_end.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *coded;
} vectors[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
    { "\xff\xfe\xfd", "//79" },
    { "\xfb\xef", "++8=" },
};

static void the_vectors_of_the_rfc_hold_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *plain = vectors[i].plain, *coded = vectors[i].coded;
        size_t n = strlen(plain), len = strlen(coded);
        char out[16];
        uint8_t back[8];

        assert_int_equal(WS__BASE64_LEN(n), len);
        ws__base64_encode(out, at_page_end(plain, n), n);
        assert_string_equal(out, coded);
        assert_int_equal(
            ws__base64_decode(back, n, at_page_end(coded, len), len), n);
        assert_memory_equal(back, plain, n);
        if (n > 0)
            assert_int_equal(ws__base64_decode(back, n - 1, coded, len), -1);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    /* RFC 4648, sections 3.1 to 3.5. */
    static const char *const rows[] = {
        "Z",    "Zg",   "Zg=",  "=",      "====", "Z===", "Zg==Zg==", "Zm=v",
        "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Zm9-", "Zm_v", "Zm9\xff",  "Z\0==",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t out[16];
        size_t n = i + 1 == COUNT(rows) ? 4 : strlen(rows[i]);

        if (ws__base64_decode(out, sizeof(out), rows[i], n) >= 0)
            fail_msg("taken: %s", rows[i]);
    }
}

static void every_byte_goes_through(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char out[WS__BASE64_LEN(256) + 1];

    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    for (size_t n = 0; n <= 256; n++) {
        ws__base64_encode(out, all, n);
        assert_int_equal(strlen(out), WS__BASE64_LEN(n));
        assert_int_equal(ws__base64_decode(back, n, out, strlen(out)), n);
        assert_memory_equal(back, all, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_hold_both_ways),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(every_byte_goes_through),
    };

    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
