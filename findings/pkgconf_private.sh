#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: what stands in Requires.private has to be there with --static alone.
# Seen: --cflags wants it, too, and fails without it; --libs does not.
# With: pkgconf 1.8.1 (Debian's pkgconf 1.8.1-1); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs pkg-config
debian pkgconf 1.8.1-1
cat >some.pc <<'PC'
Name: some
Description: needs another to be built
Version: 1
Requires.private: other
Libs: -lsome
Cflags: -I/some
PC
export PKG_CONFIG_PATH=.
for option in --libs --cflags "--libs --static"; do
    printf '%s: ' "$option"
    # shellcheck disable=SC2086
    pkg-config $option some 2>errors | sed 's/ *$//' | grep . ||
        grep -o "Package '.*" errors | head -n 1
done >seen
expect <<'END'
--libs: -lsome
--cflags: Package 'other', required by 'some', not found
--libs --static: Package 'other', required by 'some', not found
END
