# SPDX-License-Identifier: MIT
"""adopt: connections that another HTTP server has made."""

import signal
import urllib.error
import urllib.request

from program import Server, case
from websocket import TEXT, connect, frame


def status_of(request):
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@case(8, "adopt")
def adopt(tap, server):
    with Server(server, Server.PORT) as s:
        with connect(s.port) as c, connect(s.port, "/any/path") as other:
            for name, message in [("text", "größer"), ("nothing", ""),
                                  ("1 MiB", bytes(1 << 20))]:
                c.send(message)
                tap.check(c.receive() == message, f"adopt: echoes {name}")
            other.send("me too")
            tap.check(other.receive() == "me too",
                      "adopt: and more than one at a time")
            tap.check(c.close(1000) == 1000, "adopt: answers a goodbye")
        early = frame(TEXT, b"early", True, True)
        with connect(s.port, early=early) as c:
            tap.check(c.receive() == "early",
                      "adopt: echoes what came with the request")
        url = f"http://127.0.0.1:{s.port}/"
        old = {"Connection": "Upgrade", "Upgrade": "websocket",
               "Sec-WebSocket-Version": "8",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        got = [status_of(url), status_of(urllib.request.Request(
            url, headers=old))]
        tap.check(got == [400, 400], "adopt: refuses all else", got)
        tap.check(s.stop() == -signal.SIGTERM and not s.lines,
                  "adopt: ends by SIGTERM, and had nothing to say", s.lines)
