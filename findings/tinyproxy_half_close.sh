#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a tunnel made by CONNECT passes on the end of one direction, and the
#   other goes on, as TCP's do.
# Seen: the tunnel ends both ways with the first end: what the server sends
#   afterwards is lost, and it gets EPIPE.
# With: tinyproxy 1.11.1 (Debian's tinyproxy-bin 1.11.1-2.1+deb12u1); 28
#   November 2026.

. "$(dirname "$0")/common.sh"
needs python3
debian tinyproxy-bin 1.11.1-2.1+deb12u1
cat >half.py <<'END'
import subprocess
import time
from raw import *

port = free_port()
with open("conf", "w") as conf:
    conf.write(f"Port {port}\nListen 127.0.0.1\nTimeout 60\n")
proxy = subprocess.Popen(["tinyproxy", "-d", "-c", "conf"],
                         stdout=subprocess.DEVNULL)
client = connect(port)
listener = listen()
target = "127.0.0.1:%d" % listener.getsockname()[1]
client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
server, _ = listener.accept()
server.settimeout(PATIENCE)
answer = client.makefile("rb")
while answer.readline() != b"\r\n":
    pass
client.sendall(b"request")
client.shutdown(socket.SHUT_WR)
print("server gets:", server.makefile("rb").read())
print("client gets:", answer.read())
try:
    for _ in range(100):
        server.send(b"answer")
        time.sleep(0.1)
    print("server sends")
except OSError as e:
    print("server gets", type(e).__name__)
proxy.terminate()
proxy.wait()
END
PATH=$PATH:/usr/sbin python3 half.py >seen
expect <<'END'
server gets: b'request'
client gets: b''
server gets BrokenPipeError
END
