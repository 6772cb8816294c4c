/* SPDX-License-Identifier: MIT */

/* Public keys by their SHA-256 (RFC 7469, section 2.4). */

#include "io/tls_pin.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/line.h"

static const char scheme[] = "sha256//";

enum { SCHEME_LEN = sizeof(scheme) - 1, HASH = 32 };

static bool pin_decode_hex(uint8_t hash[static HASH], struct ws__str s)
{
    if (s.n != 2 * HASH)
        return false;
    for (size_t i = 0; i < HASH; i++) {
        int high = ws__hex_value(s.p[2 * i]);
        int low = ws__hex_value(s.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool pin_decode(uint8_t hash[static HASH], struct ws__str s)
{
    if (s.n < SCHEME_LEN || memcmp(s.p, scheme, SCHEME_LEN) != 0)
        return false;
    s.p += SCHEME_LEN;
    s.n -= SCHEME_LEN;
    return pin_decode_hex(hash, s) ||
           ws__base64_decode(hash, HASH, s.p, s.n) == HASH;
}

/* The next of a list, which *rest then is behind.  Returns false at the end. */
static bool pin_next(const char **rest, struct ws__str *pin)
{
    if (!*rest)
        return false;
    size_t n = strcspn(*rest, ";");
    *pin = ws__str_trim((struct ws__str){ *rest, n });
    *rest = (*rest)[n] ? *rest + n + 1 : NULL;
    return true;
}

int ws__tls_pins_check(const char *pins, ws_error *err)
{
    char quote[WS__QUOTED];
    uint8_t hash[HASH];
    struct ws__str pin;

    while (pin_next(&pins, &pin))
        if (!pin_decode(hash, pin))
            return ws__fail(err, WS_ERR_INVALID,
                            "TLS: pinned_key: expected sha256// and 32 bytes "
                            "in base64 or hex, got \"%s\"",
                            ws__quote(quote, pin));
    return 0;
}

bool ws__tls_pin_of(const X509 *x, char pin[static WS__TLS_PIN])
{
    unsigned char *der = NULL;
    uint8_t hash[HASH];

    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool done = n > 0 &&
                EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    if (done) {
        memcpy(pin, scheme, SCHEME_LEN);
        ws__base64_encode(pin + SCHEME_LEN, hash, sizeof(hash));
    }
    return done;
}

bool ws__tls_pins_have(const char *pins, const char pin[static WS__TLS_PIN])
{
    uint8_t wanted[HASH], hash[HASH];
    struct ws__str one;
    bool found = false;

    if (!pin_decode(wanted, ws__str(pin)))
        return false;
    while (!found && pin_next(&pins, &one))
        found = pin_decode(hash, one) && memcmp(hash, wanted, HASH) == 0;
    return found;
}
