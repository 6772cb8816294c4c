/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_PIN_H
#define WS_IO_TLS_PIN_H

#include <stdbool.h>

#include <openssl/x509.h>

#include <silverback/base.h>

/* "sha256//", 32 bytes in base64, and NUL. */
#define WS__TLS_PIN (8 + 44 + 1)

/* Is it a list of pins?  Returns 0, or WS_ERR_INVALID and *err says why. */
int ws__tls_pins_check(const char *pins, ws_error *err);

/* The pin of a certificate's public key.  Returns false when memory ran out. */
bool ws__tls_pin_of(const X509 *x, char pin[static WS__TLS_PIN]);

/* Is the pin in the list, in either of its forms? */
bool ws__tls_pins_have(const char *pins, const char pin[static WS__TLS_PIN]);

#endif
