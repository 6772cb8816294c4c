#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: fchmod(2) of a local socket sets the mode of its file, before bind(2)
#   or after.
# Seen: before it does, but the umask takes its bits of that; after it says 0
#   and the file keeps its mode. Only chmod(2) of the file is exact.
# With: Linux 6.18; no package; 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >mode.py <<'END'
import os
import socket

def mode(name):
    return "%o" % (os.stat(name).st_mode & 0o777)

os.umask(0o027)
before, after = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
os.fchmod(before.fileno(), 0o666)
before.bind("before")
print("fchmod 666 before bind:", mode("before"))
after.bind("after")
print("bind:", mode("after"))
os.fchmod(after.fileno(), 0o666)
print("fchmod 666 after bind:", mode("after"))
os.chmod("after", 0o666)
print("chmod 666:", mode("after"))
END
python3 mode.py >seen
expect <<'END'
fchmod 666 before bind: 640
bind: 750
fchmod 666 after bind: 750
chmod 666: 666
END
