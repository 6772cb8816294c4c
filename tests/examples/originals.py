#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: originals.py BUILD_DIR

The examples talk to the libraries that the documents wrote theirs with: xnet
(golang.org/x/net/websocket) and gorilla.  Prints TAP."""

import pathlib
import re
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Tap  # noqa: E402
from program import Program, Server  # noqa: E402

HINT = "run tools/setup --tests"
HELLOS = [f"Hello {n}" for n in range(10)]
HUNG_UP = "EOF from server: abnormal closure (1006)"
ADDR = Server.ADDR

# server | library of the client | how it ends for that
GREETERS = [
    ("echo_push", "xnet", "EOF"),
    ("echo_push", "gorilla", "websocket: close 1000 (normal)"),
    ("gorilla_echo", "xnet", "EOF"),
    ("gorilla_echo", "gorilla",
     "websocket: close 1006 (abnormal closure): unexpected EOF"),
]

# client | library of the server, which hangs up | the line for that
GREETED = [
    ("echo_push_client", "xnet", []),
    ("gorilla_client", "xnet", [HUNG_UP]),
    ("gorilla_client", "gorilla", [HUNG_UP]),
]

# server | its arguments | path | what is sent | what comes back, patterns
ANSWERERS = [
    ("echo", [ADDR], "/echo", ["one", "größer"], ["one", "größer"]),
    ("hello", [ADDR], "/ws", ["one", "größer"], ["one", "größer"]),
    ("upper", [ADDR], "/test1", ["abc", "größer"], ["ABC", "GRÖßER"]),
    ("temperature", [ADDR, ".", "echo 42"], "/GetTemp",
     ["Message received"], ["42", ""]),
    ("chat", [ADDR], "/chat/lobby", ["Ada: one", "two"],
     [r"joined \w+-0 ", r"said \w+-1 Ada: one"]),
    ("autobahn", [ADDR], "/any", ["one", "two"], ["one", "two"]),
    ("adopt", [Server.PORT], "/", ["one", "two"], ["one", "two"]),
]

PERSONS = ["json", "xml"]
JAN = ["Name: Jan", "An email: ja@newmarch.name",
       "An email: jan.newmarch@gmail.com"]

LIBRARIES = ["xnet", "gorilla"]
CHECKS = (2 * len(GREETERS) + 2 * len(GREETED) +
          len(LIBRARIES) * len(ANSWERERS) + 1 + 2 * len(PERSONS))


class Original(Program):
    """A server of the other side."""

    def __init__(self, *command):
        super().__init__(*command)
        self.has("listening ")
        self.url = f"ws://127.0.0.1:{self.lines[0].split()[1]}/"


def greeters(tap, ours, peer):
    for name, library, last in GREETERS:
        with Server(ours(name), ADDR) as s:
            origin = f"http://127.0.0.1:{s.port}"
            c = Program(peer, library, "return", s.url + "/", origin)
            c.ended()
            tap.check(c.lines == [*HELLOS, last],
                      f"{name}: greets a client on {library}", c.lines)
            want = f"Received back from client: {HELLOS[-1]}"
            tap.check(s.has(want), f"{name}: has it all back", s.lines)


def greeted(tap, ours, peer):
    for name, library, last in GREETED:
        with Original(peer, library, "greet") as s:
            c = Program(ours(name), s.url)
            tap.check(c.ended() == 0 and c.lines == [
                *(f"Received from server: {hello}" for hello in HELLOS),
                *last], f"{name}: is greeted by a server on {library}",
                      c.lines)
            tap.check(s.has(HELLOS[-1]), f"{name}: sends it all back", s.lines)


def answerers(tap, ours, peer):
    for name, arguments, path, sent, want in ANSWERERS:
        for library in LIBRARIES:
            with Server(ours(name), *arguments) as s:
                c = Program(peer, library, "send", s.url + path,
                            f"http://127.0.0.1:{s.port}", *sent)
                fits = c.ended() == 0 and len(c.lines) == len(want) and \
                    all(map(re.fullmatch, want, c.lines))
                tap.check(fits, f"{name}: answers a client on {library}",
                          c.lines)


def client(tap, ours, peer):
    with Original(peer, "gorilla", "echo") as s:
        c = Program(ours("client"), s.url)
        there = c.has("recv: ")
        tap.check(there and c.interrupt() == 0,
                  "client: tells the time to a server on gorilla", c.lines)


def persons(tap, ours, peer):
    for codec in PERSONS:
        with Server(ours(f"person_{codec}"), ADDR) as s:
            code = Program(peer, codec, "client", s.url + "/").ended()
            tap.check(code == 0 and s.has(JAN[-1]) and s.lines == JAN,
                      f"person_{codec}: takes one of xnet", s.lines)
        with Original(peer, codec, "server") as s:
            c = Program(ours(f"person_{codec}_client"), s.url)
            tap.check(c.ended() == 0 and s.has(JAN[-1])
                      and s.lines[1:] == JAN,
                      f"person_{codec}_client: sends one to xnet", s.lines)


def main(build):
    tap = Tap(CHECKS)
    peers = [pathlib.Path(build, "interop", name)
             for name in ("book_peer", "person_peer")]
    for peer in peers:
        if not peer.exists():
            tap.check(False, "the peer is there", f"{peer} is missing: {HINT}")
            return 1

    def ours(name):
        return str(pathlib.Path(build, "examples", name))

    for cases in greeters, greeted, answerers, client:
        cases(tap, ours, str(peers[0]))
    persons(tap, ours, str(peers[1]))
    return tap.done()


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1]))
