/* SPDX-License-Identifier: MIT */

/* As in a build without hiredis: it is linked with lib/redis/codec_none.c, which
 * comes before the library's own. */

#include "test.h"

#include <errno.h>

#include "redis/client.h"
#include "redis/codec.h"

static void a_url_is_answered_with_a_code_and_a_reason(void **state)
{
    const struct ws__redis_options o = { .url = "redis://localhost" };
    ws_error err;

    (void)state;
    assert_null(ws__redis_new(&o, &err));
    assert_int_equal(err.code, -ENOTSUP);
    assert_string_equal(err.text,
                        "Redis: this library was built without hiredis");
    assert_null(ws__redis_new(&o, NULL));
}

static void what_is_left_of_the_codec_refuses_too(void **state)
{
    struct ws__redis_reply *reply;
    char *bytes;
    size_t n;

    (void)state;
    assert_false(ws__redis_codec_exists());
    assert_null(ws__redis_reader_new());
    assert_int_equal(ws__redis_reader_feed(NULL, "+OK\r\n", 5), -ENOTSUP);
    assert_int_equal(ws__redis_reader_next(NULL, &reply, NULL), -ENOTSUP);
    assert_null(reply);
    assert_int_equal(
        ws__redis_format(&(struct ws__redis_command){ 0 }, &bytes, &n),
        -ENOTSUP);
    ws__redis_format_free(bytes);
    ws__redis_reader_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_answered_with_a_code_and_a_reason),
        cmocka_unit_test(what_is_left_of_the_codec_refuses_too),
    };

    return cmocka_run_group_tests_name("redis_none", tests, NULL, NULL);
}
