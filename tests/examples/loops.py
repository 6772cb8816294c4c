# SPDX-License-Identifier: MIT
"""glib, libuv: an echo, a chat and a dial in the loop of another library."""

from program import Server, case
from websocket import Ended, connect


def hears(member, text):
    """It does, after whatever else is said."""
    try:
        while member.receive() != text:
            pass
    except Ended as end:
        return end
    return text


def end_of(member):
    try:
        while True:
            member.receive()
    except Ended as end:
        member.drop()
        return end.code


def in_loop(tap, name, program):
    with Server(program, Server.ADDR) as room:
        url = f"{room.url}/chat"
        with Server(program, Server.ADDR, url) as follower:
            with connect(room.port, "/echo") as c:
                c.send("größer")
                tap.check(c.receive() == "größer", f"{name}: echoes text")
                c.send(bytes(1 << 20))
                tap.check(c.receive() == bytes(1 << 20),
                          f"{name}: echoes 1 MiB")
            ada, bob = connect(room.port, "/chat"), connect(room.port, "/chat")
            got = hears(ada, "3 here")
            tap.check(got == "3 here",
                      f"{name}: the program's own callback counts them", got)
            ada.send("hello")
            got = [hears(ada, "hello"), hears(bob, "hello")]
            tap.check(got == ["hello", "hello"],
                      f"{name}: everybody hears what one says", got)
            with connect(follower.port, "/chat") as eve:
                got = hears(eve, "3 here")
                tap.check(got == "3 here" and follower.has("heard: hello"),
                          f"{name}: what is heard elsewhere is said here",
                          (got, follower.lines))
            tap.check(follower.stop() == 0, f"{name}: SIGTERM ends it with 0",
                      follower.lines)
        bob.close()
        room.terminate()
        code = end_of(ada)
        tap.check(code == 1001, f"{name}: says goodbye", code)
        code = room.ended()
        tap.check(code == 0, f"{name}: ends with 0", (code, room.lines))


@case(8, "glib")
def in_glib(tap, program):
    in_loop(tap, "glib", program)


@case(8, "libuv")
def in_libuv(tap, program):
    in_loop(tap, "libuv", program)
