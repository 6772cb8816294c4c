#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py BUILD_DIR ECHO_EXE HELLO_EXE

Headless Chromium loads the pages of the examples, presses their buttons, and
what the pages show is compared.  Prints TAP; leaves pictures in
BUILD_DIR/browser.
"""

import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Tap, start_server, stop, wait_until  # noqa: E402
from webdriver import Browser  # noqa: E402

ODD = "<b>größer</b> & 你好"  # shown as it is, not as markup
CHECKS = 14  # of each page


def shows(tap, browser, name, lines):
    """Wait until the page shows just these lines."""
    want = "\n".join(lines)
    wait_until(lambda: browser.text("#output") == want)
    got = browser.text("#output")
    tap.check(got == want, name, f"expected:\n{want}\ngot:\n{got}")


def press_buttons(tap, browser, name):
    lines = []

    def then(what, *new):
        lines.extend(new)
        shows(tap, browser, f"{name}: {what}", lines)

    then("at first nothing is shown")
    browser.click("#send")
    then("Send without a connection does nothing")
    browser.click("#open")
    then("Open", "OPEN")
    browser.click("#open")
    browser.click("#send")
    then("Send, after a second Open that does nothing",
         "SEND: Hello world!", "RESPONSE: Hello world!")
    browser.type("#input", ODD)
    browser.click("#send")
    then("Send of markup", f"SEND: {ODD}", f"RESPONSE: {ODD}")
    tap.check(browser.count("#output b") == 0,
              f"{name}: markup is shown as text")
    browser.type("#input", "by the return key\ue007")
    then("the return key sends",
         "SEND: by the return key", "RESPONSE: by the return key")
    browser.click("#close")
    then("Close", "CLOSE")
    browser.click("#send")
    then("Send after Close does nothing")
    browser.click("#open")
    then("Open again", "OPEN")


def try_page(tap, browser, name, exe, pictures):
    process, port = start_server(lambda port: [exe, f"127.0.0.1:{port}"])
    try:
        browser.load(f"http://127.0.0.1:{port}/")
        tap.check(name in browser.title(), f"{name}: the page has its title",
                  browser.title())
        tap.check(browser.value("#input") == "Hello world!",
                  f"{name}: the input says Hello world!")
        press_buttons(tap, browser, name)
        browser.screenshot(pictures / f"{name}.png")
    finally:
        code = stop(process)
    tap.check(code == 0, f"{name}: SIGTERM ends the server with 0", code)
    tap.check(
        wait_until(lambda: browser.text("#output").endswith("OPEN\nCLOSE")),
        f"{name}: the page sees that the server closed")


def main(build, echo_exe, hello_exe):
    pictures = pathlib.Path(build, "browser")
    pictures.mkdir(parents=True, exist_ok=True)
    tap = Tap(2 * CHECKS)
    try:
        browser = Browser()
    except FileNotFoundError as error:
        tap.check(False, "a browser is there", error)
        return 1
    with browser:
        try_page(tap, browser, "echo", echo_exe, pictures)
        try_page(tap, browser, "hello", hello_exe, pictures)
    return tap.done()


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
