#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a local peer that closes with something unread, which makes an
#   ECONNRESET of it, is heard out first: a SOCK_SEQPACKET socket reads like a
#   SOCK_STREAM one.
# Seen: a SOCK_STREAM socket reads what the peer had written, then ECONNRESET,
#   then the end. A SOCK_SEQPACKET one says ECONNRESET first, and has the rest
#   behind it: who stops at an error loses that.
# With: Linux 6.18; no package; 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >unread.py <<'END'
import socket

for name in "SOCK_STREAM", "SOCK_SEQPACKET":
    a, b = socket.socketpair(type=getattr(socket, name))
    a.send(b"unread")
    b.send(b"goodbye")
    b.close()
    for _ in range(3):
        try:
            print(f"{name}:", a.recv(10))
        except OSError as e:
            print(f"{name}:", e.strerror)
END
python3 unread.py >seen
expect <<'END'
SOCK_STREAM: b'goodbye'
SOCK_STREAM: Connection reset by peer
SOCK_STREAM: b''
SOCK_SEQPACKET: Connection reset by peer
SOCK_SEQPACKET: b'goodbye'
SOCK_SEQPACKET: b''
END
