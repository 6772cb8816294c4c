# SPDX-License-Identifier: MIT
"""bridge: WebSockets on one side, TCP or a local socket on the other."""

import socket
import struct
import tempfile

from harness import Raw
from program import Server, case
from tools import output_and_end
from websocket import CLOSE, connect

ADDR = Server.ADDR
REST = bytes(range(256)) * 2000  # more than sockets hold
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset


def read_all(sock):
    got = b""
    while data := sock.recv(65536):
        got += data
    return got


def echo(sock):
    while data := sock.recv(65536):
        sock.sendall(data)


def say_goodbye(connection):
    connection.send_frame(CLOSE, struct.pack("!H", 1000))


def echoes(far, bridge):
    """Whether what goes through comes back."""
    with far, Server(bridge, far.name, ADDR) as s, connect(s.port) as c:
        c.send("größer")
        c.send(REST)
        want, got = "größer".encode() + REST, b""
        while len(got) < len(want):
            got += c.receive()
        say_goodbye(c)
        return got == want and output_and_end(c) == (b"", 1000, "")


@case(2, "bridge")
def bridge(tap, program):
    tap.check(echoes(Raw(echo), program), "bridge: bytes go there and back")
    with tempfile.TemporaryDirectory() as folder:
        tap.check(echoes(Raw(echo, f"{folder}/s"), program),
                  "bridge: by a local socket, too")


@case(6, "bridge")
def bridge_ends(tap, program):
    def answer_at_the_end(sock):
        question = read_all(sock)
        sock.sendall(REST)
        return question

    with Raw(answer_at_the_end) as far, Server(program, far.name, ADDR) as s:
        with connect(s.port) as c:
            c.send(b"question")
            say_goodbye(c)
            got = output_and_end(c)
    tap.check(far.result == b"question",
              "bridge: TCP has all that came before the goodbye", far.result)
    tap.check(got == (REST, 1000, ""),
              "bridge: what TCP says to that goes before the answer",
              (len(got[0]), *got[1:]))

    def say_and_end(sock):
        sock.sendall(REST)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)

    with Raw(say_and_end) as far, Server(program, far.name, ADDR) as s:
        with connect(s.port) as c:
            c.send(b"heard")
            got = output_and_end(c)
    tap.check(got == (REST, 1000, "") and far.result == b"heard",
              "bridge: when TCP ends, nothing is lost either way",
              (len(got[0]), *got[1:], far.result))

    def reset(sock):
        sock.recv(1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with Raw(reset) as far, Server(program, far.name, ADDR) as s:
        with connect(s.port) as c:
            c.send(b"x")
            got = output_and_end(c)
    tap.check(got == (b"", 1014, ""), "bridge: a reset is a bad gateway", got)

    with Raw(read_all) as far, Server(program, far.name, ADDR) as s:
        with connect(s.port) as c:
            c.send(b"half")
    tap.check(far.result == b"half",
              "bridge: a client that vanishes ends TCP, too", far.result)

    with Server(program, "127.0.0.1:1", ADDR) as s:
        with connect(s.port) as c:
            got = output_and_end(c)
        tap.check(got == (b"", 1014, "") and s.has("connect to 127.0.0.1:1: "),
                  "bridge: says when nobody is there", (got, s.lines))
