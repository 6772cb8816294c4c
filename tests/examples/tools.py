# SPDX-License-Identifier: MIT
"""command, filewatch: programs with a page, here without it."""

import os
import pathlib
import tempfile

from harness import wait_until
from program import Server, case
from websocket import Ended, connect

ADDR = Server.ADDR


def end_of(connection):
    """How it ends, after whatever still comes."""
    try:
        while True:
            connection.receive()
    except Ended as end:
        connection.drop()
        return end.code, end.reason


def wait_for(connection, message):
    """Skip messages until this one.  Returns it, or None at the end."""
    try:
        while connection.receive() != message:
            pass
        return message
    except Ended:
        return None


@case(6, "command")
def command(tap, server):
    with Server(server, ADDR, "sh", "-c", "echo $$; exec cat") as s:
        with connect(s.port, "/run") as one, connect(s.port, "/run") as other:
            pids = [int(one.receive()), int(other.receive())]
            tap.check(pids[0] != pids[1],
                      "command: each connection has a program of its own")
            one.send("größer\n")
            other.send(b"\0\xff\n")
            got = [one.receive(), other.receive()]
            tap.check(got == ["größer\n".encode(), b"\0\xff\n"],
                      "command: input goes in, output comes out", got)
            one.close()
            tap.check(wait_until(lambda: not runs(pids[0])),
                      "command: the program ends with its connection")
            tap.check(runs(pids[1]), "command: the other one goes on")
        tap.check(wait_until(lambda: not runs(pids[1])),
                  "command: the program ends when its connection breaks")
        tap.check(s.stop() == 0, "command: SIGTERM ends it with 0")


def runs(pid):
    return os.path.exists(f"/proc/{pid}")


def output_and_end(connection):
    output = b""
    try:
        while True:
            output += connection.receive()
    except Ended as end:
        return output, end.code, end.reason


@case(4, "command")
def command_ends(tap, server):
    want = (b"bye\nsorry\n", 1000, "the program has ended")
    with Server(server, ADDR, "sh", "-c", "echo bye; echo sorry >&2") as s:
        with connect(s.port, "/run") as c:
            got = output_and_end(c)
        tap.check(got == want, "command: a program that ends by itself", got)
    with Server(server, ADDR, "seq", "100000") as s:
        with connect(s.port, "/run") as c:
            output, code, _ = output_and_end(c)
        tap.check(output == "".join(f"{n}\n" for n in range(1, 100001))
                  .encode() and code == 1000,
                  "command: much output arrives whole", len(output))
    with Server(server, ADDR, "no-such-program") as s:
        with connect(s.port, "/run") as c:
            got = output_and_end(c)
        tap.check(got == (b"", *want[1:]), "command: no such program", got)
    with Server(server, ADDR, "sleep", "1000") as s:
        with connect(s.port, "/run") as c:
            c.send("nobody reads this\n")
            s.terminate()
            tap.check(end_of(c)[0] == 1001 and s.ended() == 0,
                      "command: SIGTERM ends it while a program runs")


@case(6, "filewatch")
def filewatch(tap, server):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "followed.txt")
        file.write_bytes(b"first")
        with Server(server, str(file), ADDR) as s:
            with connect(s.port, "/watch") as c, \
                    connect(s.port, "/watch") as other:
                got = [c.receive(), other.receive()]
                tap.check(got == 2 * [b"first"],
                          "filewatch: shows the file as it is", got)
                with file.open("ab") as f:
                    f.write(b", and more\xff")
                want = b"first, and more\xff"
                tap.check([wait_for(c, want), wait_for(other, want)] ==
                          [want, want], "filewatch: shows what is added")
                new = pathlib.Path(folder, "new")
                new.write_bytes(b"x" * 100000)
                new.rename(file)
                tap.check(wait_for(c, b"x" * 100000) is not None,
                          "filewatch: shows the file that takes its place")
            with connect(s.port, "/watch") as c:
                tap.check(c.receive() == b"x" * 100000,
                          "filewatch: goes on when pages have gone")
                s.terminate()
                tap.check(end_of(c)[0] == 1001 and s.ended() == 0,
                          "filewatch: SIGTERM ends it with 0")
        file.unlink()
        with Server(server, str(file), ADDR) as s:
            with connect(s.port, "/watch") as c:
                file.write_bytes(b"here I am")
                tap.check(wait_for(c, b"here I am") is not None,
                          "filewatch: waits for a file that is not there yet")
