# SPDX-License-Identifier: MIT
"""A page of an example, in a browser."""

import contextlib
import pathlib

from front import Front
from harness import start_server, stop, wait_until

PAGES = []  # (function, how many checks it makes)


def page(checks):
    """The function, named after its example, is called with a Page."""
    def add(function):
        PAGES.append((function, checks))
        return function
    return add


class Page:
    """What a function needs to try the page of the example of its name, through
    self.front: plain, or, with a certificate, by TLS."""

    def __init__(self, tap, browser, name, build, pictures, certificate=None):
        self.tap, self.browser, self.name = tap, browser, name
        self._exe = pathlib.Path(build, "examples", name)
        self._pictures = pictures
        self._certificate = certificate

    @contextlib.contextmanager
    def served(self, *command):
        """The server runs: two checks, that the page has its title, and that
        the server ends well.  In its command, ADDR stands for its address."""
        process, port = start_server(lambda port: [self._exe, *(
            f"127.0.0.1:{port}" if part is ADDR else part
            for part in command)])
        self.port, self.front = port, Front(port, self._certificate)
        scheme = "https" if self._certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.front.port}/"
        try:
            self.browser.load(self.url)
            self.check(self.name in self.browser.title(),
                       "the page has its title", self.browser.title())
            yield
            self.browser.screenshot(self._pictures / f"{self.name}.png")
            code = stop(process)
        finally:
            stop(process)
            self.front.close()
        self.check(code == 0, "SIGTERM ends the server with 0", code)

    def check(self, ok, what, why=""):
        name = f"{self.name} over TLS" if self._certificate else self.name
        self.tap.check(ok, f"{name}: {what}", why)

    def shows(self, what, selector, want):
        """Wait until the element's text is just this, or fits it: want may be a
        function of the text."""
        fits = want if callable(want) else lambda text: text == want
        wait_until(lambda: fits(self.browser.text(selector)))
        got = self.browser.text(selector)
        self.check(fits(got), what, f"expected:\n{want}\ngot:\n{got}")


ADDR = object()
