# SPDX-License-Identifier: MIT
"""chat: rooms, what was said before, and coming back."""

import collections

from program import Server, case
from tools import end_of
from websocket import Ended, connect

ADDR = Server.ADDR

Said = collections.namedtuple("Said", "epoch offset text")


def enter(server, room="lobby", **query):
    """A member of a room, and what it hears until it has joined: what was said
    before, and where the room is."""
    query = "&".join(f"{name}={value}" for name, value in query.items())
    c = connect(server.port, f"/chat/{room}?{query}")
    heard = []
    while not heard or heard[-1].text is not None:
        heard.append(place_of(c.receive()))
    return c, heard[:-1], heard[-1]


def place_of(message):
    """text is None where it says only that somebody has joined."""
    if isinstance(message, bytes):
        message = message.decode("latin-1")
    verb, place, text = message.split(" ", 2)
    epoch, offset = place.split("-")
    return Said(epoch, int(offset), None if verb == "joined" else text)


def hear(c, text):
    """Skip what is said until this.  Returns it, or None at the end."""
    try:
        while (said := place_of(c.receive())).text != text:
            pass
        return said
    except Ended:
        return None


def who(c, take=place_of):
    """How many are here, and their names; what is said meanwhile is taken."""
    names = []
    c.send("")
    while True:
        message = c.receive()
        verb, _, rest = message.partition(" ")
        if verb == "here":
            return int(rest), names
        if verb == "name":
            names.append(rest)
        else:
            take(message)


@case(8, "chat")
def chat(tap, program):
    with Server(program, ADDR) as s:
        members = [enter(s)[0] for _ in range(3)]
        members[0].send("who hears this, größer?")
        members[0].send(b"\0\1\2")
        heard = [(hear(m, "who hears this, größer?"), hear(m, "\0\1\2"))
                 for m in members]
        tap.check(heard[0][1] and heard == 3 * [heard[0]] and
                  [said.offset for said in heard[0]] == [1, 2],
                  "chat: everybody hears what one says, in its order", heard)
        other, before, joined = enter(s, "elsewhere")
        other.send("not for you")
        tap.check(before == [] and joined.offset == 0 and
                  hear(other, "not for you").offset == 1,
                  "chat: another room has other words", (before, joined))
        members[1].close()
        members[0].send("who is left?")
        tap.check(hear(members[2], "who is left?") is not None,
                  "chat: goes on when one has left")
        members[2].send("x" * 4097)
        tap.check(end_of(members[2])[0] == 1009,
                  "chat: a long message is refused")
        try:
            connect(s.port, "/chat/lobby", "http://elsewhere.example")
            refused = ""
        except ValueError as error:
            refused = str(error)
        tap.check("403" in refused, "chat: refuses another site's page",
                  refused)
        slow = [line for line in s.lines if "too slow" in line]
        tap.check(not slow, "chat: nobody was too slow", slow)
        s.terminate()
        tap.check(end_of(members[0])[0] == 1001,
                  "chat: says 1001 to who is still here")
        tap.check(s.ended() == 0, "chat: SIGTERM ends it with 0", s.lines)


@case(5, "chat")
def chat_repeats(tap, program):
    with Server(program, ADDR) as s:
        first, _, _ = enter(s, name="Ada")
        for text in "one", "two", "three":
            first.send(text)
            said = hear(first, text)
        second, before, joined = enter(s, name="Bob")
        tap.check([b.text for b in before] == ["one", "two", "three"] and
                  before[-1] == said and joined == said._replace(text=None),
                  "chat: who comes later hears what was said", before)
        tap.check(who(first) == (2, ["Ada", "Bob"]),
                  "chat: and the room knows who is here")
        second.drop()
        first.send("four")
        hear(first, "four")
        second, before, joined = enter(
            s, name="Bob", since=f"{said.epoch}-{said.offset}")
        tap.check([b.text for b in before] == ["four"] and
                  joined.offset == before[-1].offset,
                  "chat: who comes back hears what it missed, and no more",
                  before)
        _, before, joined = enter(s, since="1-2")
        tap.check(before[0].text == "one" and joined.offset == 4,
                  "chat: who was in another epoch hears all there is", before)
        refused = end_of(connect(s.port, "/chat/%ff"))
        tap.check(refused[0] == 1013 and refused[1] != "",
                  "chat: a room without a proper name is none", refused)


@case(4, "chat")
def chat_cuts_the_slow(tap, program):
    with Server(program, ADDR) as s:
        quick, _, _ = enter(s)
        slow = connect(s.port, "/chat/lobby", receive_buffer=4096)
        said = 0
        while not s.lines and said < 10000:
            text = f"{said} " + "x" * 4000
            quick.send(text)
            hear(quick, text)
            said += 1
        tap.check([line.rpartition(" is")[2] for line in s.lines] ==
                  [" too slow"], "chat: one that does not read is cut",
                  s.lines)
        heard = [place_of(slow.receive())]
        try:
            while True:
                heard.append(place_of(slow.receive()))
        except Ended as end:
            code = end.code
        tap.check(code in (1013, None), "chat: and finds its connection ended",
                  code)
        last = heard[-1]
        _, before, _ = enter(s, since=f"{last.epoch}-{last.offset}")
        offsets = [b.offset for b in before]
        tap.check(offsets == list(range(last.offset + 1, said + 1)),
                  "chat: it comes back to what it missed",
                  (last.offset, said, offsets[:3]))
        quick.send("after")
        tap.check(hear(quick, "after") is not None,
                  "chat: the others miss nothing")
