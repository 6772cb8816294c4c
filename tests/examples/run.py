#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: run.py DIRECTORY PROGRAM...

Run the examples, which are in a directory, and talk to them: what they print,
what they answer, their exit codes, and what they say when they are told to end.
A program that was not built, for want of a library, has no checks."""

import pathlib
import signal
import sys
import traceback

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Tap  # noqa: E402
from program import CASES  # noqa: E402
import basics  # noqa: E402, F401
import secure  # noqa: E402, F401
import book  # noqa: E402, F401
import bridges  # noqa: E402, F401
import chats  # noqa: E402, F401
import conformance  # noqa: E402, F401
import foreign  # noqa: E402, F401
import listing  # noqa: E402, F401
import loops  # noqa: E402, F401
import person  # noqa: E402, F401
import printing  # noqa: E402, F401
import redials  # noqa: E402, F401
import tickers  # noqa: E402, F401
import tools  # noqa: E402, F401


def main(directory, built):
    # Whoever runs this in the background ignores it, and the programs would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cases = [c for c in CASES if set(c[2]) <= set(built)]
    tap = Tap(sum(checks for _, checks, _ in cases))
    for function, checks, programs in cases:
        before = tap.count
        try:
            function(tap, *(f"{directory}/{name}" for name in programs))
        except Exception:
            tap.check(False, function.__name__, traceback.format_exc())
        if tap.count - before != checks:
            print(f"# {function.__name__} made {tap.count - before} checks")
    return tap.done()


if len(sys.argv) < 3:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1], sys.argv[2:]))
