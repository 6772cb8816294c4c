# SPDX-License-Identifier: MIT
"""redial: a client that comes back."""

import http.server
import threading

from program import Program, case
from tools import end_of
from websocket import Scripted


@case(4, "redial")
def redial(tap, program):
    ends = []

    def talk(connection, target):
        if target.endswith("=0"):
            connection.send("1 one")
            connection.send("2 two")
            return
        connection.send("3 three")
        ends.append(end_of(connection))

    with Scripted(talk, 2) as s, Program(program, f"{s.url}/feed") as p:
        p.has("recv: 3 three")
        code = p.interrupt()
    tap.check(p.lines[:4] == [
        "recv: 1 one", "recv: 2 two",
        "again: the stream ended without a close frame", "recv: 3 three"],
        "redial: says what comes, and comes back when it has ended", p.lines)
    tap.check(s.targets == ["/feed?after=0", "/feed?after=2"],
              "redial: and says how far it is", s.targets)
    tap.check(code == 0, "redial: SIGINT ends it at once", p.lines)
    tap.check(ends == [(1000, "")], "redial: and the server hears of it", ends)


class Nothing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@case(1, "redial")
def redial_gives_up(tap, program):
    with http.server.HTTPServer(("127.0.0.1", 0), Nothing) as s:
        threading.Thread(target=s.handle_request, daemon=True).start()
        with Program(program, f"ws://127.0.0.1:{s.server_port}/no") as p:
            code = p.ended()
    tap.check(code == 1 and "no WebSocket" in p.lines[-1],
              "redial: gives up where there is nothing to come back to",
              p.lines)
