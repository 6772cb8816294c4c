# SPDX-License-Identifier: MIT
"""Firefox's own remote protocol (https://firefox-source-docs.mozilla.org/
testing/marionette/Protocol.html): the commands of WebDriver as JSON over TCP,
each message with its length before it."""

import itertools
import json
import socket

COMMAND, ANSWER = 0, 1


class Marionette:
    """What a Browser sends its commands to."""

    def __init__(self, port, timeout):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._file = self._socket.makefile("rb")
        self._ids = itertools.count(1)
        self._receive()  # what it is
        self.send("NewSession", acceptInsecureCerts=True)

    def send(self, command, **parameters):
        number = next(self._ids)
        data = json.dumps([COMMAND, number, f"WebDriver:{command}",
                           parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(data), data))
        kind, answered, error, result = self._receive()
        if (kind, answered) != (ANSWER, number):
            raise RuntimeError(f"{command}: the answer to another command")
        if error:
            raise RuntimeError(f"{command}: {error}")
        return result["value"] if "value" in result else result

    def _receive(self):
        length = 0
        while (byte := self._file.read(1)).isdigit():
            length = 10 * length + int(byte)
        if byte != b":":
            raise RuntimeError("the browser has gone")
        return json.loads(self._file.read(length))

    def close(self):
        self._file.close()
        self._socket.close()
