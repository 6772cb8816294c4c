#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py BUILD_DIR [SERVER_EXE libdeflate|zlib]

Headless Chromium loads the pages of the examples, presses their buttons, and
what the pages show is compared.  Then it lets the server echo compressed
messages.  Prints TAP; leaves pictures in the folder that SILVERBACK_PICTURES
names, or in BUILD_DIR/browser.
"""

import os
import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "interop")]

from harness import Tap  # noqa: E402
from page import PAGES, Page  # noqa: E402
from webdriver import Browser  # noqa: E402
import compression  # noqa: E402
import echoes  # noqa: E402, F401
import others  # noqa: E402, F401


def main(build, *server):
    pictures = pathlib.Path(os.environ.get("SILVERBACK_PICTURES") or
                            pathlib.Path(build, "browser"))
    pictures.mkdir(parents=True, exist_ok=True)
    tap = Tap(sum(checks for _, checks in PAGES) +
              (compression.CHECKS if server else 0))
    try:
        browser = Browser()
    except FileNotFoundError as error:
        tap.check(False, "a browser is there", error)
        return 1
    with browser:
        for function, checks in PAGES:
            before = tap.count
            function(Page(tap, browser, function.__name__, build, pictures))
            if tap.count - before != checks:
                print(f"# {function.__name__} made {tap.count - before} checks")
        if server:
            compression.try_compression(tap, browser, *server)
    return tap.done()


if len(sys.argv) not in (2, 4):
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
