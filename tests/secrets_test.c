/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include <silverback/base.h>

#include "proto/http_write.h"
#include "proto/url.h"

static const char *secret = "";
static bool left; /* memory was given back with the secret in it */

static void *watching(void *ptr, size_t size, void *arg)
{
    size_t before = malloc_usable_size(ptr);
    void *p = size > 0 ? calloc(1, size) : NULL;

    (void)arg;
    if (p && ptr)
        memcpy(p, ptr, before < size ? before : size);
    if (p || size == 0) {
        left = left ||
               (*secret && ptr && memmem(ptr, before, secret, strlen(secret)));
        free(ptr);
    }
    return p;
}

static void credentials_of_a_url_do_not_stay_in_memory(void **state)
{
    (void)state;
    struct ws__url u;

    secret = "open sesame";
    left = false;
    assert_int_equal(
        ws__url_parse(&u, "wss://Aladdin:open%20sesame@host/", NULL), 0);
    assert_string_equal(u.credentials, "Aladdin:open sesame");
    ws__url_fini(&u);
    assert_false(left);
}

/* Also where it grows behind them. */
static void credentials_of_a_request_do_not_stay_in_memory(void **state)
{
    (void)state;

    secret = "QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    left = false;
    for (size_t fields = 0; fields < 200; fields += 100) {
        struct ws__http_out o;

        ws__http_out_init(&o);
        ws__http_basic(&o, "Authorization", "Aladdin:open sesame");
        for (size_t i = 0; i < fields; i++)
            ws__http_field(&o, "Name", "one value after the other");
        assert_int_equal(ws__http_end(&o), 0);
        assert_non_null(memmem(o.p, o.len, secret, strlen(secret)));
        ws__http_out_fini(&o);
    }
    assert_false(left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_of_a_url_do_not_stay_in_memory),
        cmocka_unit_test(credentials_of_a_request_do_not_stay_in_memory),
    };

    ws_set_allocator(watching, NULL);
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
