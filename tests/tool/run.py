#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: run.py TOOL yes|no

Run the command line tool and talk to it: what it sends, prints and exits with,
in pipes and on a terminal.  yes: it was built with libedit."""

import pathlib
import signal
import sys
import traceback

sys.dont_write_bytecode = True  # the source tree stays clean
TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "examples")]

from harness import Tap  # noqa: E402
from program import CASES  # noqa: E402
import tool  # noqa: E402
import benching  # noqa: E402, F401
import ends  # noqa: E402, F401
import handshakes  # noqa: E402, F401
import listening  # noqa: E402, F401
import piping  # noqa: E402, F401
import proxying  # noqa: E402, F401
import reconnecting  # noqa: E402, F401
import typing_  # noqa: E402, F401


MINE = [row for row in CASES if not row[2]]  # some are of modules we use


def main(path, libedit):
    tool.PATH, tool.LIBEDIT = path, libedit == "yes"
    # Whoever runs this in the background ignores it, and the tool would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tap = Tap(sum(checks for _, checks, _ in MINE))
    for function, checks, _ in MINE:
        before = tap.count
        try:
            function(tap)
        except Exception:
            tap.check(False, function.__name__, traceback.format_exc())
        if tap.count - before != checks:
            print(f"# {function.__name__} made {tap.count - before} checks")
    return tap.done()


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
