#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py chromium|firefox|webkit BUILD_DIR [SERVER_EXE]

A headless browser loads the pages of the examples, presses their buttons, and
what the pages show is compared: plain, and through a proxy that speaks TLS.
Then the browser lets the server echo compressed messages, and sees connections
end.  Prints TAP; leaves pictures in the folder that SILVERBACK_PICTURES names,
or in BUILD_DIR/browser.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays clean
TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "interop")]

from engines import ENGINES  # noqa: E402
from harness import Tap, make_certificate  # noqa: E402
from page import PAGES, Page  # noqa: E402
import compression  # noqa: E402
import echoes  # noqa: E402, F401
import ends  # noqa: E402
import hubs  # noqa: E402, F401
import others  # noqa: E402, F401


def try_pages(tap, browser, build, pictures, certificate):
    for function, checks in PAGES:
        before = tap.count
        function(Page(tap, browser, function.__name__, build, pictures,
                      certificate))
        if tap.count - before != checks:
            print(f"# {function.__name__} made {tap.count - before} checks")


def pictures_folder(engine, build):
    folder = pathlib.Path(os.environ.get("SILVERBACK_PICTURES") or
                          pathlib.Path(build, "browser"), engine)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main(engine, build, *server):
    tap = Tap(2 * sum(checks for _, checks in PAGES) +
              (compression.CHECKS + ends.CHECKS if server else 0))
    try:
        with ENGINES[engine]() as browser, \
                tempfile.TemporaryDirectory() as folder:
            certificate = make_certificate(pathlib.Path(folder), "front",
                                           "IP:127.0.0.1")
            # WebKit lets no page that came over TLS speak plainly.
            for front in (certificate, None):
                try_pages(tap, browser, build,
                          pictures_folder(engine, build), front)
            if server:
                compression.try_compression(tap, browser, *server)
                ends.try_ends(tap, browser, build, *server)
    except FileNotFoundError as error:
        tap.check(False, "a browser is there", error)
    return tap.done()


def main_again(*arguments):
    """WebKit's thread that draws crashes now and then in Mesa's software
    renderer (2.50.6 in swrast_dri.so of 22.3.6), and its driver says no more
    than this to whatever it is asked: then another one begins anew."""
    for _ in range(8):
        done = subprocess.run([sys.executable, __file__, "once", *arguments],
                              capture_output=True, text=True, check=False)
        if '"error":"unknown error","message":""' not in done.stderr:
            break
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


words = sys.argv[1:]
once = words[:1] == ["once"]
if len(words[once:]) not in (2, 3) or words[once] not in ENGINES:
    sys.exit(__doc__)
run = main_again if words[0] == "webkit" else main
sys.exit(run(*words[once:]))
