#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py BUILD_DIR ECHO_EXE HELLO_EXE [SERVER_EXE libdeflate|zlib]

Headless Chromium loads the pages of the examples, presses their buttons, and
what the pages show is compared.  Then it lets the server echo compressed
messages.  Prints TAP; leaves pictures in BUILD_DIR/browser.
"""

import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "interop")]

from harness import PATIENCE, Tap, start_server, stop, wait_until  # noqa: E402
from relay import Relay  # noqa: E402
from webdriver import Browser  # noqa: E402

ODD = "<b>größer</b> & 你好"  # shown as it is, not as markup
CHECKS = 14  # of each page
SIZES = (10, 1023, 1024, 4096, 65535, 300000)

ECHO = """
const [url, sizes, done] = arguments;
const socket = new WebSocket(url);
const text = (n) => Array.from({length: n}, (_, i) => i * i % 977).join(" ")
    .slice(0, n);
const answers = [];
socket.onopen = () => sizes.forEach((n) => socket.send(text(n)));
socket.onmessage = (event) => {
    answers.push(event.data === text(sizes[answers.length]));
    if (answers.length === sizes.length)
        socket.close(1000);
};
socket.onclose = (event) => done([event.code, answers]);
"""


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


def try_compression(tap, browser, server_exe, compressor):
    """Several times, since a window that went wrong shows later."""
    process, port = start_server(
        lambda port: [server_exe, "--deflate", str(port)])
    relay = Relay(port)
    sizes = 3 * SIZES
    got = browser.call(ECHO, f"ws://127.0.0.1:{relay.port}/", sizes)
    relay.join(PATIENCE)
    tap.check(got == [1000, [True] * len(sizes)],
              f"deflate: {len(sizes)} messages are echoed", got)
    n = relay.to_client.compressed()
    tap.check(n == len(sizes), "deflate: all answers are compressed", n)
    n, want = relay.to_client.in_last_blocks(), compressor == "libdeflate"
    tap.check((n > 0) == want,
              f"deflate: {'some' if want else 'no'} answer is a last block", n)
    code = stop(process)
    tap.check(code == 0, "deflate: SIGTERM ends the server with 0", code)


def main(build, echo_exe, hello_exe, *compression):
    pictures = pathlib.Path(build, "browser")
    pictures.mkdir(parents=True, exist_ok=True)
    tap = Tap(2 * CHECKS + (4 if compression else 0))
    try:
        browser = Browser()
    except FileNotFoundError as error:
        tap.check(False, "a browser is there", error)
        return 1
    with browser:
        try_page(tap, browser, "echo", echo_exe, pictures)
        try_page(tap, browser, "hello", hello_exe, pictures)
        if compression:
            try_compression(tap, browser, *compression)
    return tap.done()


if len(sys.argv) not in (4, 6):
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
