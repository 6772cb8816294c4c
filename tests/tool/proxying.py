# SPDX-License-Identifier: MIT
"""ws proxy."""

import json
import socket
import tempfile

from bridges import echo, read_all, say_goodbye
from harness import PATIENCE, Raw, wait_until
from listening import end_of
from program import case
from tool import Collecting, Listening, answer, run
from websocket import CLOSE, Ended, Scripted, connect


@case(5)
def to_a_stream(tap):
    with Raw(echo) as far, Listening("proxy", "{}", far.name) as s:
        done = run("-b", "-E", "-n1", s.url, given=b"there and back")
    tap.check(done.out == b"there and back", "proxy: to TCP, and back", done)
    with tempfile.TemporaryDirectory() as folder:
        with Raw(echo, f"{folder}/s") as far, \
                Listening("proxy", "{}", far.name) as s:
            done = run("-b", "-E", "-n1", s.url, given=b"x")
    tap.check(done.out == b"x", "proxy: to a local socket", done)

    def answer_at_the_end(sock):
        question = read_all(sock)
        sock.sendall(b"the answer")
        return question

    with Raw(answer_at_the_end) as far, \
            Listening("proxy", "{}", f"tcp:{far.name}") as s:
        c = connect(s.port)
        c.send(b"question")
        say_goodbye(c)
        end = end_of(c)
    tap.check(far.result == b"question" and end == ([b"the answer"], 1000, ""),
              "proxy: what TCP says to the goodbye goes first", end)
    with Listening("proxy", "{}", "127.0.0.1:1") as s:
        end = end_of(connect(s.port))
        tap.check(end[1] == 1014 and s.says("refused"),
                  "proxy: says when nobody is there", (end, s.notes))
        tap.check(s.end() == 0, "proxy: SIGTERM ends it")


@case(1)
def to_nothing(tap):
    done = run("proxy", "127.0.0.1:0", "example.com")
    tap.check(done.code == 1 and "expected HOST:PORT" in done.err,
              "proxy: a target without a port is said before it listens", done)


@case(8)
def to_a_websocket(tap):
    def talk(connection, _target):
        try:
            while True:
                connection.send(connection.receive())
        except Ended:
            pass

    with Scripted(talk) as far, \
            Listening("proxy", "-vv", "-H", "X-By: us", "{}", far.url) as s:
        c = connect(s.port, "/a?b", "http://page.test")
        c.send("größer")
        got = c.receive()
        c.send(b"\0")
        code = (got, c.receive(), c.close(4001))
        tap.check(code == ("größer", b"\0", 4001),
                  "proxy: to another WebSocket, and its end", code)
        tap.check(far.targets == ["/a?b"]
                  and far.fields[0]["origin"] == "http://page.test"
                  and far.fields[0]["x-by"] == "us",
                  "proxy: path and Origin are the client's", far.fields)
        tap.check(s.says("<- text fin 8 B") and s.says("-> text fin 8 B"),
                  "proxy: -vv is a log of frames", s.notes)

    def say_the_rest(connection, _target):
        while connection.receive_frame()[0] != CLOSE:
            pass
        connection.send("the rest")
        connection.send_frame(CLOSE, b"\x0f\xa2bye")

    with Scripted(say_the_rest) as far, \
            Listening("proxy", "--json", "{}", far.url) as s:
        c = connect(s.port)
        c.send("x")
        say_goodbye(c)
        end = end_of(c)
        tap.check(end == (["the rest"], 4002, "bye"),
                  "proxy: what the target says to a goodbye", end)
        events = [json.loads(s.line()) for _ in range(2)]
        tap.check([(e["direction"], e["data"], e["peer"]) for e in events] ==
                  [("in", "x", 1), ("out", "the rest", 1)],
                  "proxy: --json has the messages", events)
    with Raw(answer("HTTP/1.1 403 No", "Content-Length: 0")) as far, \
            Listening("proxy", "{}", far.url) as s:
        done = run(s.url)
    tap.check(done.code == 4 and "403" in done.err,
              "proxy: a refusal is the target's", done)
    with Scripted(lambda c, _: None) as far, \
            Listening("proxy", "{}", far.url) as s:
        end = end_of(connect(s.port))
    tap.check(end[1] == 1014, "proxy: a target that is gone", end)

    with Collecting() as far, Listening("proxy", "{}", far.url) as s:
        connect(s.port).drop()
        wait_until(lambda: far.said)
    tap.check(far.said == [([], 1014)],
              "proxy: a client that is gone", far.said)


@case(1)
def slow_log(tap):
    """What several say is shown by workers that wait for each other."""
    many, each = 16, 30

    def talk(c):
        for number in range(each):
            c.send(f"{number} {'x' * 500}")

    with Listening("echo", "{}") as far, \
            Listening("proxy", "--json", "{}", far.url) as s:
        clients = [connect(s.port) for _ in range(many)]
        for c in clients:
            talk(c)
        lines = [s.line() for _ in range(2 * many * each)]
        for c in clients:
            c.drop()
    good = sum(line.startswith(b'{"event":"message",')
               and line.endswith(b'xxx"}\n') for line in lines)
    tap.check(good == len(lines), "proxy: a log that is read slowly is whole",
              (good, s.notes))


@case(4)
def from_tcp(tap):
    with Collecting(lambda c, _: c.send(b"welcome")) as far, \
            Listening("proxy", "tcp:{}", far.url) as s, \
            socket.create_connection(("127.0.0.1", s.port), PATIENCE) as c:
        c.sendall(b"hello")
        c.shutdown(socket.SHUT_WR)
        got = read_all(c)
    tap.check(got == b"welcome" and b"".join(far.said[0][0]) == b"hello"
              and far.said[0][1] == 1000, "proxy: from TCP", (got, far.said))
    with Listening("proxy", "tcp:{}", "ws://127.0.0.1:1/") as s:
        try:  # the reset may come before connect has looked
            with socket.create_connection(("127.0.0.1", s.port),
                                          PATIENCE) as c:
                got = c.recv(1)
        except ConnectionError:
            got = b""
        tap.check(got == b"" and s.says("refused"),
                  "proxy: from TCP, and nobody is there", s.notes)
    with Collecting() as far, \
            Listening("proxy", "tcp:{}", far.url) as s, \
            socket.create_connection(("127.0.0.1", s.port), PATIENCE) as c:
        c.sendall(b"x")
        s.says("listening")
        # the target has it: the connection is there
        wait_until(lambda: far.fields)
        code = s.end()
        tap.check(code == 0 and read_all(c) == b"",
                  "proxy: SIGTERM says goodbye to those from TCP", far.said)
    done = run("proxy", "tcp:127.0.0.1:0", "localhost:1")
    tap.check(done.code == 1, "proxy: no WebSocket on either side", done)

