/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "proto/http_write.h"
#include "proto/url.h"
#include "secret.h"

static void credentials_of_a_url_do_not_stay_in_memory(void **state)
{
    (void)state;
    struct ws__url u;

    atomic_store(&secret, "open sesame");
    atomic_store(&secret_left, false);
    assert_int_equal(
        ws__url_parse(&u, "wss://Aladdin:open%20sesame@host/", NULL), 0);
    assert_string_equal(u.credentials, "Aladdin:open sesame");
    ws__url_fini(&u);
    assert_false(atomic_load(&secret_left));
}

/* Also where it grows behind them. */
static void credentials_of_a_request_do_not_stay_in_memory(void **state)
{
    (void)state;
    static const char basic[] = "QWxhZGRpbjpvcGVuIHNlc2FtZQ==";

    atomic_store(&secret, basic);
    atomic_store(&secret_left, false);
    for (size_t fields = 0; fields < 200; fields += 100) {
        struct ws__http_out o;

        ws__http_out_init(&o);
        ws__http_basic(&o, "Authorization", "Aladdin:open sesame");
        for (size_t i = 0; i < fields; i++)
            ws__http_field(&o, "Name", "one value after the other");
        assert_int_equal(ws__http_end(&o), 0);
        assert_non_null(memmem(o.p, o.len, basic, strlen(basic)));
        ws__http_out_fini(&o);
    }
    assert_false(atomic_load(&secret_left));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_of_a_url_do_not_stay_in_memory),
        cmocka_unit_test(credentials_of_a_request_do_not_stay_in_memory),
    };

    secret_install();
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
