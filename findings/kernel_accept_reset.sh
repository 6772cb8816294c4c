#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a connection that was reset before it is accepted is not given out:
#   accept fails with ECONNABORTED, or waits for the next one.
# Seen: accept gives it out, with its address, which getpeername then does not
#   know; options can be set, and what was sent before is still read, ahead of
#   ECONNRESET.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >accept.py <<'END'
import socket
import struct

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
name = client.getsockname()
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
client.send(b"GET")
client.close()
conn, address = listener.accept()
print("accept: given out, and the address is", address == name)
conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print("TCP_NODELAY: set")
for call in conn.getpeername, lambda: conn.recv(10), lambda: conn.recv(10):
    try:
        print(call())
    except OSError as e:
        print(e.strerror)
END
python3 accept.py >seen
expect <<'END'
accept: given out, and the address is True
TCP_NODELAY: set
Transport endpoint is not connected
b'GET'
Connection reset by peer
END
