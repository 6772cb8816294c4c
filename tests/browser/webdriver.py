# SPDX-License-Identifier: MIT
"""As much of a WebDriver client (https://www.w3.org/TR/webdriver2/) as the
browser tests need, for chromedriver and headless Chromium."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1000,700",
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # of the standard
PATIENCE = 120
HINT = "run tools/setup --tests"


def find(*names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError(f"{names[0]} is missing: {HINT}")


class Browser:
    """A browser with one window at first.  A context: leaves no process and no file behind."""

    def __init__(self):
        browser, driver = find(*BROWSERS), find("chromedriver")
        self._profile = tempfile.TemporaryDirectory(
            prefix="silverback-browser-", ignore_cleanup_errors=True)
        environment = {**os.environ, "HOME": self._profile.name,
                       "TMPDIR": self._profile.name}
        self._driver = subprocess.Popen(
            [driver, "--port=0"], stdout=subprocess.PIPE, text=True,
            env=environment)
        try:
            self._open_session(browser)
        except BaseException:
            self._end()
            raise

    def _open_session(self, browser):
        self._url = f"http://127.0.0.1:{self._port()}"
        flags = [*FLAGS, f"--user-data-dir={self._profile.name}/profile"]
        answer = self._call("POST", "/session", capabilities={"alwaysMatch": {
            "goog:chromeOptions": {"binary": browser, "args": flags},
        }})
        self._url += f"/session/{answer['sessionId']}"

    def _port(self):
        """It says "... started successfully on port N.", on some line."""
        for line in self._driver.stdout:
            _, mark, port = line.partition("successfully on port ")
            if mark:
                return int(port.strip().rstrip("."))
        raise RuntimeError("chromedriver did not start")

    def _call(self, method, path, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(
            self._url + path, data, {"Content-Type": "application/json"},
            method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error

    def _element(self, selector):
        found = self._call("POST", "/element", using="css selector",
                           value=selector)
        return "/element/" + found[ELEMENT]

    def load(self, url):
        self._call("POST", "/url", url=url)

    def title(self):
        return self._call("GET", "/title")

    def click(self, selector):
        self._call("POST", self._element(selector) + "/click")

    def type(self, selector, text):
        element = self._element(selector)
        self._call("POST", element + "/clear")
        self._call("POST", element + "/value", text=text)

    def text(self, selector):
        return self._call("GET", self._element(selector) + "/text")

    def value(self, selector):
        return self._call("GET", self._element(selector) + "/property/value")

    def count(self, selector):
        return len(self._call("POST", "/elements", using="css selector",
                              value=selector))

    def call(self, script, *args):
        """Run a script whose last argument is a function that takes the
        answer."""
        return self._call("POST", "/execute/async", script=script,
                          args=list(args))

    def window(self):
        return self._call("GET", "/window")

    def new_window(self):
        return self._call("POST", "/window/new", type="tab")["handle"]

    def switch(self, window):
        self._call("POST", "/window", handle=window)

    def close_window(self, window, back_to):
        self.switch(window)
        self._call("DELETE", "/window")
        self.switch(back_to)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._call("DELETE", "")
        finally:
            self._end()

    def _end(self):
        self._driver.terminate()
        self._driver.stdout.close()
        self._driver.wait()
        self._profile.cleanup()
