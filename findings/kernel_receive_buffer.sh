#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: SO_RCVBUF set on a connected socket bounds what the peer can send
#   from then on.
# Seen: the window that was offered before is not taken back: many times as
#   much as the new bound still arrives and waits there. Set on the listener,
#   the bound holds.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >buffer.py <<'END'
import fcntl
import socket
import struct
import termios
import time

LITTLE = 2304

def waiting(sock):
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]

def settled(sock):
    """What waits there, once it has been the same for a while."""
    seen = [-1]
    while len(seen) < 5 or len(set(seen[-5:])) > 1:
        time.sleep(0.1)
        seen.append(waiting(sock))
    return seen[-1]

for when in "listener", "connected":
    listener = socket.create_server(("127.0.0.1", 0))
    sockets = [listener]
    a = socket.socket()
    if when == "listener":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    a.connect(listener.getsockname())
    b, _ = listener.accept()
    if when == "connected":
        b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    bound = b.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    a.setblocking(False)
    try:
        while True:
            a.send(bytes(1000))
    except BlockingIOError:
        pass
    n = settled(b)
    print(f"{when}: SO_RCVBUF {bound}, within that:", n <= bound,
          "more than five times that:", n > 5 * bound)
END
python3 buffer.py >seen
expect <<'END'
listener: SO_RCVBUF 4608, within that: True more than five times that: False
connected: SO_RCVBUF 4608, within that: False more than five times that: True
END
