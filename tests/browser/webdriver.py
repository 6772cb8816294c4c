# SPDX-License-Identifier: MIT
"""As much of WebDriver (https://www.w3.org/TR/webdriver2/) as the browser
tests need: its commands, and how they go to a driver over HTTP."""

import base64
import json
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # of the standard
COMMANDS = {
    "NewSession": ("POST", ""),
    "DeleteSession": ("DELETE", ""),
    "Navigate": ("POST", "/url"),
    "GetTitle": ("GET", "/title"),
    "FindElement": ("POST", "/element"),
    "FindElements": ("POST", "/elements"),
    "ElementClick": ("POST", "/element/{id}/click"),
    "ElementClear": ("POST", "/element/{id}/clear"),
    "ElementSendKeys": ("POST", "/element/{id}/value"),
    "GetElementProperty": ("GET", "/element/{id}/property/{name}"),
    "ExecuteAsyncScript": ("POST", "/execute/async"),
    "GetWindowHandle": ("GET", "/window"),
    "NewWindow": ("POST", "/window/new"),
    "SwitchToWindow": ("POST", "/window"),
    "CloseWindow": ("DELETE", "/window"),
    "TakeScreenshot": ("GET", "/screenshot"),
}


class Driver:
    """What a Browser sends its commands to: a driver that speaks HTTP."""

    def __init__(self, port, timeout, capabilities):
        self._timeout = timeout
        self._url = f"http://127.0.0.1:{port}/session"
        answer = self.send("NewSession",
                           capabilities={"alwaysMatch": capabilities})
        self._url += "/" + answer["sessionId"]

    def send(self, command, **parameters):
        method, path = COMMANDS[command]
        data = json.dumps(parameters).encode() if method == "POST" else None
        request = urllib.request.Request(
            self._url + path.format(**parameters), data,
            {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=self._timeout) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{command}: {error.read().decode()}") from error

    def close(self):
        pass


class Browser:
    """A browser with one window at first, to which driver speaks."""

    def __init__(self, driver):
        self._send = driver.send

    def _element(self, selector):
        return self._send("FindElement", using="css selector",
                          value=selector)[ELEMENT]

    def load(self, url):
        self._send("Navigate", url=url)

    def title(self):
        return self._send("GetTitle")

    def click(self, selector):
        self._send("ElementClick", id=self._element(selector))

    def type(self, selector, text):
        element = self._element(selector)
        self._send("ElementClear", id=element)
        self._send("ElementSendKeys", id=element, text=text)

    def text(self, selector):
        """As it is seen.  (What WebKit's driver calls the text of an element
        has its blocks all on one line.)"""
        return self._property(selector, "innerText").strip()

    def value(self, selector):
        return self._property(selector, "value")

    def _property(self, selector, name):
        return self._send("GetElementProperty", id=self._element(selector),
                          name=name)

    def count(self, selector):
        return len(self._send("FindElements", using="css selector",
                              value=selector))

    def call(self, script, *args):
        """Run a script whose last argument is a function that takes the
        answer."""
        return self._send("ExecuteAsyncScript", script=script,
                          args=list(args))

    def window(self):
        return self._send("GetWindowHandle")

    def new_window(self):
        return self._send("NewWindow", type="tab")["handle"]

    def switch(self, window):
        self._send("SwitchToWindow", handle=window)

    def close_window(self, window, back_to):
        self.switch(window)
        self._send("CloseWindow")
        self.switch(back_to)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._send("TakeScreenshot")))
