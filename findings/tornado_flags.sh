#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a server that reads the parameters of permessage-deflate reads those
#   without a value, too.
# Seen: they are dropped: a client that asks for server_no_context_takeover
#   gets an answer without it, and messages that need the window of those
#   before.
# With: Tornado 6.6.1; 28 November 2026.

. "$(dirname "$0")/common.sh"
pip_install tornado==6.6.1
serve tornado >number 2>/dev/null &
peer=$!
cat >offer.py <<'END'
import sys
from raw import *

for offer in "server_max_window_bits=10", "server_no_context_takeover":
    end = dial(int(sys.argv[1]), extensions="permessage-deflate; " + offer)
    print(offer + ":", end.field("Sec-WebSocket-Extensions"))
for nth in "first", "second":
    end.send(TEXT, b"the same message, " * 3)
    payload = end.receive()[2]
    try:
        zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        print(nth, "message: stands alone")
    except zlib.error:
        print(nth, "message: needs those before")
END
started number
venv/bin/python offer.py "$(cat number)" >seen
expect <<'END'
server_max_window_bits=10: permessage-deflate; server_max_window_bits=10
server_no_context_takeover: permessage-deflate
first message: stands alone
second message: needs those before
END
