#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: of websocat's input a line is a message, without its newline, and with
#   -0 what stands before each NUL.
# Seen: a line's message has its newline. Without it (--linemode-strip-newlines),
#   and with -0, the newline or NUL is a message of its own. What is longer than
#   64 KiB goes in several messages, unless -B says otherwise.
# With: websocat 1.14.1 (the crate); 29 November 2026.

. "$(dirname "$0")/common.sh"
cargo_install websocat@1.14.1
cat >messages.py <<'PY'
import subprocess
import threading
from raw import *

def show(what, given, *options):
    listener, said = listen(), []

    def serve():
        end = accept(listener)
        while (frame := end.receive()) and frame[0] != CLOSE:
            said.append(frame[2])
        end.send(CLOSE, b"")
        end.close()

    thread = threading.Thread(target=serve)
    thread.start()
    port = listener.getsockname()[1]
    subprocess.run(["cargo/bin/websocat", *options, f"ws://127.0.0.1:{port}"],
                   input=given, stdout=subprocess.DEVNULL)
    thread.join()
    print(f"{what}:", *(m if len(m) < 10 else f"{len(m)} bytes" for m in said))

show("two lines", b"one\ntwo\n", "-t")
show("two lines, --linemode-strip-newlines", b"one\ntwo\n", "-t",
     "--linemode-strip-newlines")
show("-0", b"a\0b\0", "-t", "-0")
show("a line of 100,000 bytes", b"x" * 99999 + b"\n", "-t")
show("the same, -B 200000", b"x" * 99999 + b"\n", "-t", "-B", "200000")
PY
python3 messages.py >seen
expect <<'END'
two lines: b'one\n' b'two\n'
two lines, --linemode-strip-newlines: b'one' b'\n' b'two' b'\n'
-0: b'a' b'\x00' b'b' b'\x00'
a line of 100,000 bytes: 65536 bytes 34464 bytes
the same, -B 200000: 100000 bytes
END
