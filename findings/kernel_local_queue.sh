#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: SIOCOUTQ gives the bytes that the peer has not taken, on a local
#   socket as on TCP.
# Seen: on a local socket it gives the memory that they occupy, hundreds of
#   bytes for a write of one, until they are read; on TCP it is down to 0 as
#   soon as the other kernel has them, read or not.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >queue.py <<'END'
import fcntl
import socket
import struct
import termios
import time

def queued(sock):
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]

def tcp():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return socket.create_connection(listener.getsockname()), \
            listener.accept()[0]

for name, (a, b) in ("TCP", tcp()), ("local", socket.socketpair()):
    for _ in range(10):
        a.send(b"x")
    until = time.monotonic() + 5
    while queued(a) and name == "TCP" and time.monotonic() < until:
        time.sleep(0.01)
    n = queued(a)
    print(f"{name}: 10 writes of one byte, unread:",
          n if n <= 10 else "more than 1000" if n > 1000 else "some")
    b.recv(10)
    print(f"{name}: read:", queued(a))
END
python3 queue.py >seen
expect <<'END'
TCP: 10 writes of one byte, unread: 0
TCP: read: 0
local: 10 writes of one byte, unread: more than 1000
local: read: 0
END
