# SPDX-License-Identifier: MIT
"""echo, client, hello."""

import urllib.request

from program import Program, Server, case

ADDR = Server.ADDR


@case(4, "echo", "client")
def goodbye_of_the_client(tap, echo, client):
    with Server(echo, ADDR) as s:
        c = Program(client, f"{s.url}/echo")
        tap.check(c.has("recv: "), "client: prints what comes back", c.lines)
        tap.check(c.interrupt() == 0, "client: SIGINT ends it with 0", c.lines)
        tap.check(c.lines[-1:] == [
            "read: the peer closed the connection: 1000 (normal)"],
            "client: the server has answered with 1000", c.lines)
        tap.check(s.stop() == 0, "echo: SIGTERM ends it with 0")


@case(5, "echo", "client")
def goodbye_of_the_server(tap, echo, client):
    with Server(echo, ADDR) as s:
        clients = [Program(client, f"{s.url}/echo") for _ in range(3)]
        served = all([c.has("recv: ") for c in clients])
        tap.check(served, "echo: three clients are served")
        tap.check(s.stop() == 0, "echo: ends with 0 while they are connected")
    for c in clients:
        code = c.ended()
        tap.check(code == 0 and c.lines[-1:] == [
            "read: the peer closed the connection: 1001 (going away)"],
            "client: sees 1001, and ends with 0", (code, c.lines))


def page(tap, exe, name):
    with Server(exe, ADDR) as s:
        url = f"http://127.0.0.1:{s.port}/"
        with urllib.request.urlopen(url) as answer:
            html = answer.read().decode()
        tap.check(answer.headers["Content-Type"] == "text/html; charset=utf-8"
                  and "new WebSocket(" in html, f"{name}: serves its page")
        tap.check(s.stop() == 0, f"{name}: SIGTERM ends it with 0")


@case(4, "echo", "hello")
def pages(tap, echo, hello):
    page(tap, echo, "echo")
    page(tap, hello, "hello")


@case(2, "client")
def nobody_there(tap, client):
    c = Program(client, "ws://127.0.0.1:1/")
    tap.check(c.ended() == 1 and "refused" in " ".join(c.lines),
              "client: says why it cannot connect, and ends with 1", c.lines)
    c = Program(client, "http://127.0.0.1/")
    tap.check(c.ended() == 1 and "neither ws nor wss" in " ".join(c.lines),
              "client: says what is wrong with a URL", c.lines)


@case(1, "echo")
def address_taken(tap, echo):
    with Server(echo, ADDR) as s:
        other = Program(echo, f"127.0.0.1:{s.port}")
        tap.check(other.ended() != 0 and "in use" in " ".join(other.lines),
                  "echo: says that its address is taken", other.lines)
