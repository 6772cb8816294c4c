#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: in a pipe wscat prints the bytes of a binary message.
# Seen: it prints them as text: what is no UTF-8 becomes U+FFFD, so that they
#   cannot be had back.
# With: wscat 6.1.0 (npm), Node 20; 29 November 2026.

. "$(dirname "$0")/common.sh"
npm_install wscat@6.1.0
cat >binary.py <<'PY'
import subprocess
import threading
from raw import *

listener = listen()

def serve():
    end = accept(listener)
    end.send(BINARY, b"\0\xff\xfe")
    end.until(CLOSE)
    end.close()

threading.Thread(target=serve).start()
url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
process = subprocess.Popen(["node_modules/.bin/wscat", "-c", url],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print("of 00fffe:", process.stdout.readline().hex())
process.stdin.close()
process.wait(PATIENCE)
PY
python3 binary.py >seen
expect <<'END'
of 00fffe: 00efbfbdefbfbd0a
END
