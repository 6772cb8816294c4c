#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: SSL_CTX_set_default_verify_paths fails when the file of roots is not
#   there, or is none.
# Seen: it returns 1 in both cases, with no root in the store and nothing in
#   the queue of errors; the first peer is then refused.
# With: OpenSSL 3.0.22 (Debian's libssl-dev 3.0.22-1~deb12u2); 28 November
#   2026.

. "$(dirname "$0")/common.sh"
needs cc
debian libssl-dev 3.0.22-1~deb12u2
cat >roots.c <<'END'
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

int main(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int r = SSL_CTX_set_default_verify_paths(ctx);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);

    printf("returned %d, error %lu, roots %d\n", r, ERR_peek_error(),
           sk_X509_OBJECT_num(X509_STORE_get0_objects(store)));
    SSL_CTX_free(ctx);
}
END
cc -Wno-deprecated-declarations roots.c -o roots -lssl -lcrypto || exit 77
mkdir none
echo "no certificate" >text
export SSL_CERT_DIR="$dir/none"
for file in missing text; do
    echo "$file: $(SSL_CERT_FILE=$dir/$file ./roots)"
done >seen
expect <<'END'
missing: returned 1, error 0, roots 0
text: returned 1, error 0, roots 0
END
