#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a flush by Z_SYNC_FLUSH ends in 00 00 ff ff each time, so an empty
#   message is what it gives without those four.
# Seen: with nothing since the last flush zlib and zlib-ng give no bytes at
#   all; ISA-L gives 02 00 00 00 ff ff each time.
# With: zlib 1.2.13 (Debian's zlib1g 1:1.2.13.dfsg-1), zlib-ng 1.1.0 and isal
#   1.9.1 (pip); 28 November 2026.

. "$(dirname "$0")/common.sh"
debian zlib1g 1:1.2.13.dfsg-1
pip_install isal==1.9.1 zlib-ng==1.1.0
cat >flush.py <<'END'
import zlib
from isal import isal_zlib
from zlib_ng import zlib_ng

for name, library in ("zlib", zlib), ("zlib-ng", zlib_ng), ("ISA-L", isal_zlib):
    z = library.compressobj(1, 8, -15)
    z.compress(b"Hello")
    z.flush(zlib.Z_SYNC_FLUSH)
    for nth in "second", "third":
        print(f"{name}, {nth} flush: {z.flush(zlib.Z_SYNC_FLUSH).hex(' ')}.")
END
venv/bin/python flush.py >seen
expect <<'END'
zlib, second flush: .
zlib, third flush: .
zlib-ng, second flush: .
zlib-ng, third flush: .
ISA-L, second flush: 02 00 00 00 ff ff.
ISA-L, third flush: 02 00 00 00 ff ff.
END
