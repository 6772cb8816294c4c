#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: an IPv6 address with a zone is read alike whether the zone is an
#   interface's name or its number.
# Seen: the name is known with link-local addresses alone; the number with
#   any.
# With: glibc 2.36 (Debian's libc6 2.36-9+deb12u14); 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
debian libc6 2.36-9+deb12u14
cat >zone.py <<'END'
import socket

for host in "fe80::1%lo", "fe80::1%1", "::1%lo", "::1%1", "fd00::1%lo", \
        "fd00::1%1":
    try:
        print(host, socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)[0][4])
    except socket.gaierror as e:
        print(host, e.strerror)
END
python3 zone.py >seen
expect <<'END'
fe80::1%lo ('fe80::1', 80, 0, 1)
fe80::1%1 ('fe80::1', 80, 0, 1)
::1%lo Name or service not known
::1%1 ('::1', 80, 0, 1)
fd00::1%lo Name or service not known
fd00::1%1 ('fd00::1', 80, 0, 1)
END
