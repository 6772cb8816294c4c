#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: to connect to a port that nobody listens on is refused.
# Seen: where the kernel chose that same port for the connecting socket, which
#   it can from its range of them, TCP connects the socket with itself, and
#   the request comes back as the answer. Here bind() has chosen the port, so
#   as not to try thousands of times.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >self.py <<'END'
import socket

s = socket.socket()
s.bind(("127.0.0.1", 0))
s.connect(s.getsockname())
print("connected, to itself:", s.getsockname() == s.getpeername())
s.send(b"GET / HTTP/1.1\r\n")
print("the answer:", s.recv(100))
END
python3 self.py >seen
expect <<'END'
connected, to itself: True
the answer: b'GET / HTTP/1.1\r\n'
END
