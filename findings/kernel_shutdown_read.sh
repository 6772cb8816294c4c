#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: after shutdown(SHUT_RD) each read gives the end of the stream,
#   whatever the peer sends.
# Seen: so it is on a local socket, whose peer gets EPIPE; on TCP the peer
#   sends without an error, and what it sent is read.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >read.py <<'END'
import socket

def tcp():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return socket.create_connection(listener.getsockname()), \
            listener.accept()[0]

for name, (a, b) in ("TCP", tcp()), ("local", socket.socketpair()):
    b.shutdown(socket.SHUT_RD)
    print(name, "before:", b.recv(10))
    try:
        print(name, "sent:", a.send(b"hello"))
    except BrokenPipeError:
        print(name, "sent: EPIPE")
    print(name, "then:", b.recv(10))
END
python3 read.py >seen
expect <<'END'
TCP before: b''
TCP sent: 5
TCP then: b'hello'
local before: b''
local sent: EPIPE
local then: b''
END
