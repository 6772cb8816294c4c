#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a list of ciphers with a name that OpenSSL does not know is refused.
# Seen: the name is passed over without a word, for TLS 1.2 as for 1.3.
# With: OpenSSL 3.0.22 (Debian's openssl 3.0.22-1~deb12u2); 28 November 2026.

. "$(dirname "$0")/common.sh"
debian openssl 3.0.22-1~deb12u2
names()
{
    echo "$*: $(openssl ciphers -s "$@" 2>said), $(wc -l <said) lines said"
}
{
    names -tls1_2 NO-SUCH:AES128-SHA256
    names -tls1_3 -ciphersuites NO_SUCH:TLS_AES_128_GCM_SHA256
} >seen
expect <<'END'
-tls1_2 NO-SUCH:AES128-SHA256: AES128-SHA256, 0 lines said
-tls1_3 -ciphersuites NO_SUCH:TLS_AES_128_GCM_SHA256: TLS_AES_128_GCM_SHA256, 0 lines said
END
