#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: each time a slow reader takes 2 KiB out of a full receive buffer, the
#   window opens by that, and of what the writer has queued (SIOCOUTQ) some is
#   gone.
# Seen: with a buffer of 16 KiB (SO_RCVBUF, packets of 1 KiB) the writer sees
#   nothing for more than ten reads, more than 20 KiB, and then much at once;
#   with 4 KiB it sees each read, or every second one.
# With: Linux 6.18; no package; 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >steps.py <<'END'
import fcntl
import socket
import struct
import termios
import time

STEP, STEPS = 2048, 32

def queued(sock):
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]

def reads_in_silence(size):
    """The most, one after the other, of which the writer saw nothing."""
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1024)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    writer = socket.create_connection(listener.getsockname())
    reader, _ = listener.accept()
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    writer.setblocking(False)
    try:
        while True:
            writer.send(bytes(4096))
    except BlockingIOError:
        pass
    before, silent, most = queued(writer), 0, 0
    for _ in range(STEPS):
        reader.recv(STEP)
        time.sleep(0.02)
        now = queued(writer)
        silent = silent + 1 if now == before else 0
        before, most = now, max(most, silent)
    return most

for size in 16384, 4096:
    n = reads_in_silence(size)
    print(f"SO_RCVBUF {size}: more than ten reads in silence: {n > 10},",
          f"at most two: {n <= 2}")
END
python3 steps.py >seen
expect <<'END'
SO_RCVBUF 16384: more than ten reads in silence: True, at most two: False
SO_RCVBUF 4096: more than ten reads in silence: False, at most two: True
END
