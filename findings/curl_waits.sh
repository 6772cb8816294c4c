#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a client that waits for a message answers the pings that come
#   meanwhile.
# Seen: it answers none while it waits; the pong goes when the next message
#   has come.
# With: curl_cffi 0.17.0, which has libcurl 8.23.0; 28 November 2026.

. "$(dirname "$0")/common.sh"
pip_install curl_cffi==0.17.0
cat >client.py <<'END'
import sys
from curl_cffi import requests

with requests.Session() as session:
    ws = session.ws_connect("ws://127.0.0.1:" + sys.argv[1])
    ws.recv()
    ws.recv()
    ws.close()
END
cat >server.py <<'END'
import subprocess, sys
from raw import *

listener = listen()
client = subprocess.Popen(
    [sys.executable, "client.py", str(listener.getsockname()[1])])
end = accept(listener)
end.send(TEXT, b"one")
end.send(PING, b"?")
end.sock.settimeout(5)
try:
    print("while it waits:", end.receive())
except TimeoutError:
    print("while it waits: nothing in 5 s")
end.file = end.sock.makefile("rb")
end.send(TEXT, b"two")
print("after a message:", "a pong" if end.receive()[0] == PONG else "no pong")
end.until(CLOSE)
client.wait(30)
END
venv/bin/python server.py >seen
expect <<'END'
while it waits: nothing in 5 s
after a message: a pong
END
