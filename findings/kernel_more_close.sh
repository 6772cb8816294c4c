#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: what send has taken with MSG_MORE waits for its 200 ms when close
#   comes instead of more, or leaves at once, in a segment ahead of the FIN as
#   without the flag.
# Seen: the bytes and the FIN leave at once, in one segment. A plain send and
#   close take two. shutdown does as close does.
# With: Linux 6.18; no package; 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >more.py <<'END'
import socket
import struct
import time

def segments_in(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)
    return struct.unpack_from("=I", info, 140)[0]

def no_end(sock):
    pass

def shutdown(sock):
    sock.shutdown(socket.SHUT_WR)

def held(flags, end):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        a = socket.create_connection(listener.getsockname())
        b = listener.accept()[0]
    before = segments_in(a)
    begun = time.monotonic()
    b.send(b"goodbye", flags)
    end(b)
    assert a.recv(10) == b"goodbye"
    took = time.monotonic() - begun
    b.close()
    assert a.recv(10) == b""
    return took, segments_in(a) - before

for name, flags in ("plain", 0), ("MSG_MORE", socket.MSG_MORE):
    for end in no_end, shutdown, socket.socket.close:
        # the quickest, as any may have to wait for the CPU
        took, segments = min(held(flags, end) for _ in range(5))
        print(f"{name}, {end.__name__}: {segments} in all, the bytes came",
              "at once" if took < 0.1 else "after 100 ms or more")
END
python3 more.py >seen
expect <<'END'
plain, no_end: 2 in all, the bytes came at once
plain, shutdown: 2 in all, the bytes came at once
plain, close: 2 in all, the bytes came at once
MSG_MORE, no_end: 2 in all, the bytes came after 100 ms or more
MSG_MORE, shutdown: 1 in all, the bytes came at once
MSG_MORE, close: 1 in all, the bytes came at once
END
