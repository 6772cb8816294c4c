#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: zlib, which cannot compress with a raw window of 8 bits, cannot be
#   used to keep the promise of server_max_window_bits=8: with 9 it refers
#   back by up to 512 bytes.
# Seen: with 9 bits it never refers back by more than 250 bytes, at any level,
#   so an inflater with 8 bits reads all of it; with 10 it does not.
# With: zlib 1.2.13 (Debian's zlib1g 1:1.2.13.dfsg-1) by Python's module; 28
#   November 2026.

. "$(dirname "$0")/common.sh"
needs python3
debian zlib1g 1:1.2.13.dfsg-1
cat >window.py <<'END'
import random
import zlib

DISTANCES = range(200, 400)

def inflated(raw):
    """A byte at a time, so that all references go through the window."""
    z, text = zlib.decompressobj(-8), b""
    while piece := z.decompress(raw, 1):
        text, raw = text + piece, z.unconsumed_tail
    return text

def readable(bits, level):
    """How many of the texts, which repeat at each distance, 8 bits read."""
    count = 0
    for distance in DISTANCES:
        z = zlib.compressobj(level, wbits=-bits)
        text = random.randbytes(distance) * 3
        raw = z.compress(text) + z.flush(zlib.Z_SYNC_FLUSH)
        try:
            count += inflated(raw) == text
        except zlib.error:
            pass
    return count

random.seed(7692)
try:
    zlib.compressobj(wbits=-8)
    print("8 bits: compresses")
except ValueError:
    print("8 bits: refused")
for bits in 9, 10:
    some = [readable(bits, level) for level in range(1, 10)]
    print(bits, "bits:", "all" if min(some) == len(DISTANCES) else "not all",
          "of it is read with 8")
END
python3 window.py >seen
expect <<'END'
8 bits: refused
9 bits: all of it is read with 8
10 bits: not all of it is read with 8
END
