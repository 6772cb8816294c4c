#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: websocat's exit code tells of an end with 1011, and of pings that
#   nobody has answered (--ping-timeout).
# Seen: it is 0 after either. That no connection can be made is 1.
# With: websocat 1.14.1 (the crate); 29 November 2026.

. "$(dirname "$0")/common.sh"
cargo_install websocat@1.14.1
cat >ends.py <<'PY'
import subprocess
import threading
from raw import *

def fail(end):
    end.send(CLOSE, struct.pack("!H", 1011))
    time.sleep(1)

def keep_silent(end):
    while end.receive():
        pass

def show(what, serve, *options):
    listener = listen()

    def run():
        end = accept(listener)
        serve(end)
        end.close()

    thread = threading.Thread(target=run)
    if serve:
        thread.start()
    port = listener.getsockname()[1]
    if not serve:
        listener.close()
    process = subprocess.Popen(
        ["cargo/bin/websocat", *options, f"ws://127.0.0.1:{port}"],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if serve:
        thread.join()
    process.stdin.close()
    print(f"{what}: exit {process.wait(PATIENCE)}")

show("nobody listens", None, "-t")
show("1011", fail, "-t")
show("pings without an answer", keep_silent, "-t", "-E", "--ping-interval",
     "1", "--ping-timeout", "2")
PY
python3 ends.py >seen
expect <<'END'
nobody listens: exit 1
1011: exit 0
pings without an answer: exit 0
END
