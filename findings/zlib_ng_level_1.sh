#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: zlib-ng, which distributions install in zlib's place, compresses
#   about as well as zlib at the same level.
# Seen: a message of 16 KiB of JSON is larger by more than a quarter at level 1;
#   one of 170 bytes is about the same, and so is level 6.
# With: zlib 1.2.13 (Debian's zlib1g 1:1.2.13.dfsg-1), zlib-ng 1.1.0 (pip); 28
#   November 2026.

. "$(dirname "$0")/common.sh"
debian zlib1g 1:1.2.13.dfsg-1
pip_install zlib-ng==1.1.0
cat >size.py <<'END'
import json
import zlib
from zlib_ng import zlib_ng

trades = [json.dumps({
    "type": "trade", "id": i, "symbol": "BTC-USD", "size": f"0.0{i * 31 % 100}",
    "price": str(60000 + i * 7 % 1000), "side": "buy" if i % 3 else "sell",
    "time": f"2026-11-28T19:{i // 60 % 60:02}:{i % 60:02}Z"}).encode()
    for i in range(2000)]

def compressed(library, level, each):
    total = 0
    for i in range(0, len(trades), each):
        z = library.compressobj(level, 8, -15)
        total += len(z.compress(b"".join(trades[i:i + each])) +
                     z.flush(zlib.Z_SYNC_FLUSH))
    return total

def text(ratio):
    if ratio > 1.25:
        return "more than a quarter larger"
    return "like zlib's" if ratio < 1.15 else "somewhat larger"

for level in 1, 6:
    for each in 1, 100:
        ratio = compressed(zlib_ng, level, each) / compressed(zlib, level, each)
        print(f"level {level}, {each} trades in a message: {text(ratio)}")
END
venv/bin/python size.py >seen
expect <<'END'
level 1, 1 trades in a message: like zlib's
level 1, 100 trades in a message: more than a quarter larger
level 6, 1 trades in a message: like zlib's
level 6, 100 trades in a message: like zlib's
END
