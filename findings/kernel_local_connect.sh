#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a non-blocking connect(2) to a local stream socket whose queue is full
#   says EINPROGRESS, as on TCP, and POLLOUT tells when there was room.
# Seen: it says EAGAIN, nothing is under way, and room wakes nobody: once the
#   other has been accepted the socket is as unconnected as before, and only
#   another connect(2) helps.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >full.py <<'END'
import errno
import socket

def connect(client):
    return errno.errorcode.get(client.connect_ex("listener"), "connected")

def connected(client):
    try:
        client.getpeername()
        return "connected"
    except OSError as e:
        return errno.errorcode[e.errno]

listener = socket.socket(socket.AF_UNIX)
listener.bind("listener")
listener.listen(0)
a, b = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
a.setblocking(False)
b.setblocking(False)
print("first:", connect(a))
print("second:", connect(b))
accepted = listener.accept()
print("second, with room:", connected(b))
print("second, again:", connect(b))
END
python3 full.py >seen
expect <<'END'
first: connected
second: EAGAIN
second, with room: ENOTCONN
second, again: connected
END
