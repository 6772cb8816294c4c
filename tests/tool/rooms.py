#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: rooms.py TOOL

ws broadcast, several of them at one Redis.  Prints TAP."""

import contextlib
import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "examples"), str(TESTS / "redis")]

from harness import Tap  # noqa: E402
from listening import end_of  # noqa: E402
from servers import Redis  # noqa: E402
import tool  # noqa: E402
from websocket import Ended, connect  # noqa: E402


def enter(stack, server, room):
    """A member of it, once what it says comes back."""
    member = stack.enter_context(connect(server.port, room))
    member.send("here")
    while member.receive() != "here":
        pass
    return member


def heard_before(member, last):
    heard = []
    while (got := member.receive()) != last:
        heard.append(got)
    return heard


def end_after_saying(member, what):
    """What becomes of who says that."""
    try:
        while True:
            member.send(what)
            member.receive()
    except Ended as end:
        return end.code
    except OSError:
        return end_of(member)[1]


def main(path):
    tool.PATH = path
    tap = Tap(4)
    with contextlib.ExitStack() as stack:
        redis = Redis(stack)
        url = f"redis://127.0.0.1:{redis.port}"
        one, two = (stack.enter_context(
            tool.Listening("broadcast", "--redis", url, "{}"))
            for _ in range(2))
        red, also = enter(stack, one, "/red"), enter(stack, two, "/red")
        blue = enter(stack, two, "/blue")
        blue.send("sky")
        red.send("hello")
        tap.check("sky" not in heard_before(also, "hello"),
                  "broadcast: rooms are shared by Redis")
        tap.check(heard_before(blue, "sky") == [],
                  "broadcast: and are rooms still")
        redis.kill()
        code = end_after_saying(also, "who hears that?")
        tap.check(code == 1013 and two.says("no room can be reached"),
                  "broadcast: without it nobody is told that they are heard",
                  (code, two.notes))
    done = tool.run("broadcast", "--redis", "http://x", "127.0.0.1:0")
    tap.check(done.code == 1 and "redis" in done.err,
              "broadcast: 1 where that is none", done)
    return tap.done()


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
