# SPDX-License-Identifier: MIT
"""The programs of a book's chapter on WebSockets, and of an article: what they
say to each other, and to peers that end in other ways."""

import pathlib
import tempfile
import time
import urllib.request

from program import Program, Server, case
from websocket import Scripted, connect

ADDR = Server.ADDR
HELLOS = [f"Hello {n}" for n in range(10)]


def says_goodbye(connection, _):
    connection.send("once")
    connection.receive()
    connection.close(1000)


def resets(connection, _):
    """Closing with unread input makes Linux send a reset."""
    connection.send("once")
    connection.sock.recv(1)


def hangs_up(connection, _):
    connection.send("once")
    connection.receive()


def ends_with(client, talk, *arguments):
    with Scripted(talk) as server:
        c = Program(client, server.url, *arguments)
        code = c.ended()
    return code, c.lines[-1], server.fields[0]


def greets(tap, name, server, client, origin, last):
    """Server and client say the ten greetings to each other."""
    with Server(server, ADDR) as s:
        c = Program(client, s.url, *origin(s))
        code = c.ended()
        tap.check(code == 0, f"{name}: the client ends with 0", c.lines)
        want = [f"Received from server: {hello}" for hello in HELLOS]
        tap.check(c.lines == want + last,
                  f"{name}: the client prints what came", c.lines)
        s.has(f"Received back from client: {HELLOS[-1]}")
        want = [line for hello in HELLOS for line in (
            f"Sending to client: {hello}",
            f"Received back from client: {hello}")]
        tap.check(s.lines[1:] == want,
                  f"{name}: the server prints what it sent and got", s.lines)
        tap.check(s.stop() == 0, f"{name}: SIGTERM ends the server with 0")


@case(4, "gorilla_echo", "gorilla_client")
def gorilla(tap, server, client):
    greets(tap, "gorilla", server, client,
           lambda s: [f"http://127.0.0.1:{s.port}"],
           ["EOF from server: abnormal closure (1006)"])


@case(4, "gorilla_echo", "gorilla_client")
def gorilla_ends(tap, server, client):
    code, last, fields = ends_with(client, says_goodbye)
    tap.check(code == 0 and last == "Close from server: 1000 ",
              "gorilla_client: tells a close frame", last)
    tap.check(fields.get("origin") == "http://localhost:12345",
              "gorilla_client: sends the Origin of the book", fields)
    code, last, _ = ends_with(client, resets)
    tap.check(code == 1 and last.startswith("Couldn't re"),
              "gorilla_client: tells a reset", (code, last))
    with Server(server, ADDR) as s:
        c = Program(client, s.url)
        tap.check(c.ended() == 1 and "403" in c.lines[-1],
                  "gorilla_echo: refuses another origin", c.lines)


@case(4, "echo_push", "echo_push_client")
def echo_push(tap, server, client):
    greets(tap, "echo_push", server, client, lambda s: [], [])


@case(6, "echo_push", "echo_push_client")
def echo_push_ends(tap, server, client):
    code, last, fields = ends_with(client, says_goodbye)
    tap.check(code == 0 and last == "Received from server: once",
              "echo_push_client: a goodbye is a good end", last)
    tap.check(fields.get("origin") == "http://localhost:12345",
              "echo_push_client: sends an Origin", fields)
    code, last, _ = ends_with(client, hangs_up)
    tap.check(code == 0 and last == "Received from server: once",
              "echo_push_client: so is hanging up", last)
    code, last, _ = ends_with(client, resets)
    tap.check(code == 1 and last.startswith("Couldn't re"),
              "echo_push_client: a reset is none", last)
    with Server(server, ADDR) as s:
        with connect(s.port) as c:
            c.receive()
        tap.check(s.has("Can't receive: "),
                  "echo_push: says that its client is gone", s.lines)
        with connect(s.port, origin="http://elsewhere.example") as c:
            tap.check(c.receive() == HELLOS[0],
                      "echo_push: goes on, for any origin")


@case(5, "upper")
def upper(tap, server):
    with Server(server, ADDR) as s:
        with connect(s.port, "/test1", "http://localhost:6432") as c:
            for name, sent, want in [
                    ("text", "abc, grün é ж 你", "ABC, GRÜN É Ж 你"),
                    ("a letter that becomes longer", "\u0250", "\u2c6f"),
                    ("what is no text", b"a\xffb\xc3", "A\ufffdB\ufffd"),
                    ("a NUL", "a\0b", "A\0B")]:
                c.send(sent)
                got = c.receive()
                tap.check(got == want, f"upper: {name}", repr(got))
        tap.check(s.stop() == 0, "upper: SIGTERM ends it with 0", s.lines)


def fetch(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.read()


@case(5, "temperature")
def temperature(tap, server):
    with tempfile.TemporaryDirectory() as root:
        page = b"<!DOCTYPE html><title>any page</title>"
        pathlib.Path(root, "websocket.html").write_bytes(page)
        with Server(server, ADDR, root, "echo 42; echo °C") as s:
            tap.check(fetch(s.port, "/websocket.html") == page,
                      "temperature: serves the files of its root")
            with connect(s.port, "/GetTemp", "http://localhost:12345") as c:
                got, begin = c.receive(), time.monotonic()
                tap.check(got == "42\n°C\n",
                          "temperature: sends what the command prints", got)
                c.send("Message received")
                c.receive()
                took = time.monotonic() - begin
            tap.check(took > 1.5, "temperature: two seconds later again", took)
            s.has("the stream ended")
            want = ["Sending to client: 42", "°C", "",
                    "Received back from client: Message received",
                    "Sending to client: 42", "°C", ""]
            tap.check(s.lines[:7] == want,
                      "temperature: waits for the reply", s.lines)
            tap.check(s.stop() == 0, "temperature: SIGTERM ends it with 0")
