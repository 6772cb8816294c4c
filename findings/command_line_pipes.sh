#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a command-line client in a pipe sends each line of its input, prints
#   the answers, and its exit code tells of an end with 1011.
# Seen: at the end of its input wscat goes at once, before it has even asked
#   for a WebSocket, and lines that are there before the 101 are dropped;
#   Python's websockets sends them all, and does not wait for an answer. Both
#   exit with 0, whatever the close code.
# With: wscat 6.1.0 (npm), Node 20; websockets 15.0.1 (PyPI); 29 November 2026.

. "$(dirname "$0")/common.sh"
npm_install wscat@6.1.0
pip_install websockets==15.0.1
cat >pipes.py <<'PY'
import subprocess
import threading
import time
from raw import *

CLIENTS = {"wscat": ["node_modules/.bin/wscat", "-c"],
           "websockets": ["venv/bin/python", "-m", "websockets"]}

def talk(end, said):
    """Answers each text after half a second."""
    while (frame := end.receive()) and frame[0] != CLOSE:
        said.append(frame[2].decode())
        time.sleep(0.5)
        end.send(TEXT, b"answer")
    end.send(CLOSE, frame[2] if frame else b"")

def fail(end, said):
    end.send(CLOSE, struct.pack("!H", 1011))
    end.until(CLOSE)

def show(name, what, serve, feed):
    listener, said, open_now = listen(), [], threading.Event()

    def run():
        try:
            time.sleep(1)  # so that the 101 comes later than the input
            end = accept(listener)
            open_now.set()
            serve(end, said)
            end.close()
        except (EOFError, OSError):  # it went
            pass

    thread = threading.Thread(target=run)
    thread.start()
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    process = subprocess.Popen(CLIENTS[name] + [url], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    feed(process.stdin, open_now)
    out, _ = process.communicate()
    thread.join()
    print(f"{name}, {what}: sent {' '.join(said) or 'nothing'},",
          f"{out.count(b'answer')} answers printed, exit {process.returncode}")

def at_once(stdin, _):
    stdin.write(b"one\ntwo\n")

def later(stdin, open_now):
    stdin.write(b"one\n")
    stdin.flush()
    open_now.wait(PATIENCE)
    time.sleep(1)
    stdin.write(b"two\n")
    stdin.flush()
    time.sleep(2)

def nothing(_, open_now):
    open_now.wait(PATIENCE)
    time.sleep(2)

for name in CLIENTS:
    show(name, "two lines", talk, at_once)
    show(name, "a line before the 101, one after", talk, later)
    show(name, "1011", fail, nothing)
PY
python3 pipes.py >seen
expect <<'END'
wscat, two lines: sent nothing, 0 answers printed, exit 0
wscat, a line before the 101, one after: sent two, 1 answers printed, exit 0
wscat, 1011: sent nothing, 0 answers printed, exit 0
websockets, two lines: sent one two, 0 answers printed, exit 0
websockets, a line before the 101, one after: sent one two, 2 answers printed, exit 0
websockets, 1011: sent nothing, 0 answers printed, exit 0
END
