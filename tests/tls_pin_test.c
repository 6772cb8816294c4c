/* SPDX-License-Identifier: MIT */

/* Public keys by their SHA-256. */

#include "test.h"

#include <string.h>

#include "certs.h"
#include "io/tls_pin.h"

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ONES "//////////////////////////////////////////8="
#define HEX32 "00000000000000000000000000000000"

static void only_pins_are_pins(void **state)
{
    (void)state;
    static const struct {
        const char *pins;
        const char *words; /* NULL: it is one */
    } rows[] = {
        { "sha256//" ZEROS, NULL },
        { "sha256//" HEX32 HEX32, NULL },
        { "sha256//" ZEROS ";sha256//" ONES, NULL },
        { "sha256//" ZEROS " ; sha256//" HEX32 HEX32, NULL },
        { "", "got \"\"" },
        { "sha256//" ZEROS ";", "got \"\"" },
        { ZEROS, "expected sha256// and 32 bytes in base64 or hex, got \"AA" },
        { "sha256/" ZEROS, "got \"sha256/AA" },
        { "sha1//" ZEROS, "got \"sha1//AA" },
        { "SHA256//" ZEROS, "got \"SHA256//AA" },
        { "sha256//", "got \"sha256//\"" },
        { "sha256//A" ZEROS, "got \"sha256//AA" },
        { "sha256//AAAA", "got \"sha256//AAAA\"" },
        { "sha256//" HEX32 HEX32 "00", "got \"sha256//00" },
        { "sha256//" HEX32 "0000000000000000000000000000000x", "got \"sha" },
        { "sha256//" ZEROS ",sha256//" ONES, "got \"sha256//AA" },
        { "sha256//\n\x1b", "got \"sha256//\\n\\x1b\"" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_error err = { 0 };

        int error = ws__tls_pins_check(rows[i].pins, &err);
        assert_int_equal(error, rows[i].words ? WS_ERR_INVALID : 0);
        assert_int_equal(err.code, error);
        if (rows[i].words && !strstr(err.text, rows[i].words))
            fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].words);
    }
}

static void a_key_has_its_pin(void **state)
{
    (void)state;
    struct cert a = cert_make((struct cert_spec){ .cn = "a" }, NULL);
    struct cert b = cert_make((struct cert_spec){ .cn = "b" }, &a);
    char pin[WS__TLS_PIN], other[WS__TLS_PIN];

    assert_true(ws__tls_pin_of(a.x509, pin));
    assert_int_equal(strlen(pin), WS__TLS_PIN - 1);
    assert_int_equal(ws__tls_pins_check(pin, NULL), 0);
    assert_true(ws__tls_pin_of(b.x509, other));
    assert_string_not_equal(pin, other);
    X509_set_pubkey(b.x509, a.key); /* another certificate for the key */
    assert_true(ws__tls_pin_of(b.x509, other));
    assert_string_equal(pin, other);
    cert_free(&a);
    cert_free(&b);
}

static void a_pin_is_found_in_either_form(void **state)
{
    (void)state;
    static const struct {
        const char *pins;
        bool zeros, ones;
    } rows[] = {
        { "sha256//" ZEROS, true, false },
        { "sha256//" HEX32 HEX32, true, false },
        { "sha256//ffffffffffffffffffffffffffffffff"
          "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
          false, true },
        { "sha256//" ONES ";sha256//" ZEROS, true, true },
        { "sha256//" ONES " ;sha256//" HEX32 HEX32, true, true },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(ws__tls_pins_have(rows[i].pins, "sha256//" ZEROS),
                         rows[i].zeros);
        assert_int_equal(ws__tls_pins_have(rows[i].pins, "sha256//" ONES),
                         rows[i].ones);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_pins_are_pins),
        cmocka_unit_test(a_key_has_its_pin),
        cmocka_unit_test(a_pin_is_found_in_either_form),
    };

    return cmocka_run_group_tests_name("tls_pin", tests, NULL, NULL);
}
