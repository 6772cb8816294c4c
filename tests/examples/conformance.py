# SPDX-License-Identifier: MIT
"""autobahn and autobahn_client, without the suite: what its fuzzing client and
server do to them, in small."""

import zlib

from program import Program, Server, case
from websocket import (BINARY, CONTINUATION, PING, PONG, TEXT, Ended, Scripted,
                       connect)

ADDR = Server.ADDR
COMPRESSED = 0x40  # beside the opcode, RFC 7692, section 6
TAIL = b"\0\0\xff\xff"  # section 7.2.1


def end_code(connection):
    try:
        while True:
            connection.receive()
    except Ended as end:
        return end.code


def deflated(data):
    deflate = zlib.compressobj(wbits=-15)
    data = deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(TAIL)


def inflated(data):
    return zlib.decompressobj(wbits=-15).decompress(data + TAIL)


@case(9, "autobahn")
def autobahn(tap, server):
    with Server(server, ADDR) as s:
        for path in ["/", "/runCase?case=1&agent=any", "/any/path"]:
            with connect(s.port, path, "http://elsewhere.example") as c:
                c.send(path)
                tap.check(c.receive() == path, f"autobahn: echoes at {path}")
        with connect(s.port) as c:
            c.send_frame(TEXT, b"in ", fin=False)
            c.send_frame(PING, b"between")
            c.send_frame(CONTINUATION, b"two")
            pong = c.receive_frame()
            tap.check((*pong, c.receive()) ==
                      (PONG, b"between", "in two"),
                      "autobahn: a ping between two fragments")
            large = bytes(range(256)) * (80 * 1024)
            c.send(large)
            tap.check(c.receive() == large, "autobahn: 20 MiB")
            c.send_frame(TEXT, b"\xce\xba\xe1\xbd", fin=False)
            c.send_frame(CONTINUATION, b"\xb9\xed\xa0\x80", fin=False)
            tap.check(end_code(c) == 1007,
                      "autobahn: what is not UTF-8 is refused at once")
        with connect(s.port) as c:
            c.send_frame(3, b"")
            tap.check(end_code(c) == 1002,
                      "autobahn: an unknown opcode is refused")
        with connect(s.port, extensions="permessage-deflate") as c:
            data = b"small, " * 1000
            c.send_frame(BINARY | COMPRESSED, deflated(data))
            got = c.receive()
            tap.check(inflated(got) == data and len(got) < len(data) / 10,
                      "autobahn: compresses", c.fields)
        tap.check(s.stop() == 0, "autobahn: SIGTERM ends it with 0")


AGENT = "agent=silverback"
TARGETS = ["/getCaseCount", f"/runCase?case=1&{AGENT}",
           f"/runCase?case=2&{AGENT}", f"/runCase?case=3&{AGENT}",
           f"/updateReports?{AGENT}"]


class Suite:
    """A server of three cases.  Afterwards it knows what came of each."""

    def __init__(self):
        self.results = []

    def talk(self, connection, target):
        if target == TARGETS[0]:
            connection.send("3")
        elif target == TARGETS[1]:
            connection.send("größer")
            self.results.append(connection.receive())
        elif target == TARGETS[2]:
            connection.send(bytes(100000))
            self.results.append(connection.receive())
        elif target == TARGETS[3]:
            connection.send_frame(TEXT, b"\xff")
            self.results.append(end_code(connection))
            return
        connection.close(1000)


@case(6, "autobahn_client")
def autobahn_client(tap, client):
    suite = Suite()
    with Scripted(suite.talk, len(TARGETS)) as server:
        c = Program(client, server.url)
        code = c.ended()
    tap.check(server.targets == TARGETS,
              "autobahn_client: asks, runs each case, asks for reports",
              server.targets)
    tap.check(suite.results == ["größer", bytes(100000), 1007],
              "autobahn_client: text and bytes echoed, no UTF-8 refused")
    tap.check(all("permessage-deflate" in f["sec-websocket-extensions"]
                  for f in server.fields),
              "autobahn_client: offers compression", server.fields)
    tap.check(code == 0 and c.lines == [f"case {i} of 3" for i in (1, 2, 3)],
              "autobahn_client: says where it is, and ends with 0", c.lines)
    with Scripted(lambda connection, _: connection.close(1000)) as server:
        c = Program(client, server.url)
        code = c.ended()
    tap.check(code == 1 and c.lines[-1].startswith("getCaseCount: "),
              "autobahn_client: says that there was no count", c.lines)
    c = Program(client, "ws://127.0.0.1:1")
    tap.check(c.ended() == 1 and "refused" in c.lines[-1],
              "autobahn_client: says that nobody is there", c.lines)
