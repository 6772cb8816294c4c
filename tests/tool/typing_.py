# SPDX-License-Identifier: MIT
"""On a terminal."""

import signal
import threading

from harness import PATIENCE, Raw, wait_until
from program import case
from tool import (Collecting, Terminal, accept_request, close_frame,
                  interrupt, read_request)
import tool
from websocket import CLOSE, PING, PONG, Ended, Scripted, frame


class Talk:
    """A server that tells what comes, and says what the test wants."""

    def __init__(self):
        self.frames = []
        self.connection = None

    def __call__(self, connection, _target):
        self.connection = connection
        connection.send("welcome")
        try:
            while True:
                opcode, data = connection.receive_frame()
                self.frames.append((opcode, data))
                self.answer(opcode, data)
                if opcode == CLOSE:
                    return
        except Ended:
            pass

    def answer(self, opcode, data):
        if opcode == PING:
            self.connection.send_frame(PONG, data)
        elif opcode == CLOSE:
            self.connection.send_frame(CLOSE, data)
        elif opcode == 1:
            self.connection.send(f"got {data.decode()}")


@case(12)
def typing(tap):
    talk = Talk()
    with Scripted(talk) as s, Terminal(s.url) as t:
        tap.check(t.shows("connected to") and t.shows("< welcome"),
                  "it says that it is connected", t.screen)
        t.type("größer\r")
        tap.check(t.shows("< got größer"), "a line goes, an answer comes",
                  t.screen)
        talk.connection.send("\x1b]0;evil\x07\x9b \u202e\nmore")
        tap.check(t.shows("< \\x1b]0;evil\\x07\\u009b \\u202e\r\n  more"),
                  "what a terminal would obey is shown", repr(t.screen))
        talk.connection.send(b"\0\x1b")
        tap.check(t.shows("(binary, 2 B) 001b"), "bytes are hexadecimal",
                  repr(t.screen))
        t.type("/ping abc\r")
        tap.check(t.shows("pong: ") and (PING, b"abc") in talk.frames,
                  "/ping: the answer, and how long it took", t.screen)
        t.type("//ping\r")
        tap.check(t.shows("< got /ping"), "//: a line that begins with one",
                  t.screen)
        t.type("/pong me\r/nonsense\r")
        tap.check(t.shows("/nonsense is no command")
                  and wait_until(lambda: (PONG, b"me") in talk.frames),
                  "/pong", talk.frames)
        t.type("/stats\r")
        tap.check(t.shows("sent 2 messages"), "/stats", t.screen)
        t.type("half a ")
        talk.connection.send("in between")
        between = t.shows("< in between")
        t.type("line\r")
        tap.check(between and t.shows("< got half a line"),
                  "a message does not disturb a line", t.screen)
        t.type("/close 4000 so long\r")
        code = t.ended()
        tap.check(talk.frames[-1] == (CLOSE, close_frame(4000, "so long")),
                  "/close: code and reason", talk.frames[-1])
        tap.check(code == 0 and "4000" in t.screen, "and its answer ends it",
                  (code, t.screen))
        tap.check(t.is_as_before(), "the terminal is as it was")


@case(4)
def leaving(tap):
    for what, keys in (("Ctrl-D", "\x04"), ("Ctrl-C", "half\x03")):
        with Collecting() as s, Terminal(s.url) as t:
            t.shows("> ")
            t.type(keys)
            code = t.ended()
            same = t.is_as_before()
        tap.check(code == 0 and s.said == [([], 1000)] and same,
                  f"{what} closes", (code, s.said, t.screen, same))

    closing = threading.Event()

    def ignore(connection, _target):
        try:
            while True:
                if connection.receive_frame()[0] == CLOSE:
                    closing.set()
        except Ended:
            pass

    with Scripted(ignore) as s, Terminal(s.url) as t:
        t.shows("> ")
        t.type("half\x03")
        closing.wait(PATIENCE)
        interrupt(t.process)
        code = t.ended()
        tap.check(code == -signal.SIGINT and t.is_as_before(),
                  "twice quits, and leaves the terminal as it was", code)
    with Scripted(lambda c, _: c.send_frame(CLOSE, close_frame(1000))) as s, \
            Terminal(s.url) as t:
        code = t.ended()
        tap.check(code == 0 and t.is_as_before(), "the server's end is ours",
                  t.screen)


@case(1)
def typed_too_early(tap):
    typed = threading.Event()

    def talk(sock):
        request = read_request(sock)
        typed.wait(PATIENCE)
        accept_request(sock, request)
        closing = sock.recv(8)
        sock.sendall(frame(CLOSE, close_frame(1000), True, False))
        return closing[:2]

    with Raw(talk) as s, Terminal(s.url) as t:
        t.type("\x04")
        typed.set()
        code = t.ended()
    tap.check(code == 0 and s.result == b"\x88\x82",
              "Ctrl-D counts that was typed before the answer",
              (code, s.result))


@case(1)
def stopped_and_continued(tap):
    with Collecting() as s, Terminal(s.url) as t:
        t.shows("> ")
        wait_until(t.is_edited)
        t.type("half ")
        t.shows("half")
        t.process.send_signal(signal.SIGSTOP)
        t.set_as_before()  # as a shell does
        t.process.send_signal(signal.SIGCONT)
        again = not tool.LIBEDIT or wait_until(t.is_edited)
        t.type("a line\r")
        t.type("\x04")
        code = t.ended()
    whole = "half a line" if tool.LIBEDIT else "a line"
    tap.check(again and code == 0
              and s.said[0][0][0].endswith(whole),
              "a shell has had the terminal meanwhile", (s.said, t.screen))


@case(1)
def history(tap):
    with Collecting() as s, Terminal(s.url) as t:
        t.shows("> ")
        t.type("first\r")
        if tool.LIBEDIT:
            t.type("\x10\x01x\r\x04")  # up, to the beginning
        else:
            t.type("xfirst\r\x04")
        t.ended()
    tap.check(s.said == [(["first", "xfirst"], 1000)],
              "a line comes back, and is changed", (s.said, t.screen))


@case(1)
def refused_by_the_terminal(tap):
    def talk(connection, _target):
        connection.sock.sendall(frame(CLOSE, close_frame(4000, "\x1b[2J"),
                                      True, False))
        try:
            connection.receive()
        except Ended:
            pass

    with Scripted(talk) as s, Terminal(s.url) as t:
        t.ended()
    tap.check("\x1b[2J" not in t.screen and "4000" in t.screen,
              "a reason is shown, and not obeyed", repr(t.screen))

