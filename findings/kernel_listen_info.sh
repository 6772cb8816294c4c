#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: TCP_INFO of a listening socket says nothing of use, and how many
#   connections wait to be accepted only ss can tell.
# Seen: tcpi_unacked is just that number, and tcpi_sacked the bound that
#   listen(2) was given.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >listening.py <<'END'
import socket
import struct

UNACKED = 24  # in struct tcp_info, after 8 bytes and four numbers of 32 bits

def info(listener):
    said = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    return "waiting %d, bound %d" % struct.unpack_from("II", said, UNACKED)

listener = socket.create_server(("127.0.0.1", 0), backlog=7)
print(info(listener))
clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
print(info(listener))
accepted = listener.accept()
print(info(listener))
END
python3 listening.py >seen
expect <<'END'
waiting 0, bound 7
waiting 3, bound 7
waiting 2, bound 7
END
