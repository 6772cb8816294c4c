#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python_peer.py server [--tls CERT KEY] [--deflate [TERM...]]
    echoes; prints "listening PORT"
python_peer.py client URL [--ca FILE] [--deflate [TERM...]]
    talks to an echo server; prints each case
A TERM is a parameter of permessage-deflate, as NAME or NAME=NUMBER.
"""

import random
import ssl
import sys

from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory)
from websockets.sync.client import connect
from websockets.sync.server import serve

SIZES = (0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, 1 << 20)
PATIENCE = 60


def compression(factory, terms):
    """Arguments for serve and connect.  No terms: none but the defaults."""
    if not terms:
        return {"compression": None if terms is None else "deflate"}
    options = {}
    for term in terms:
        name, _, value = term.partition("=")
        options[name] = int(value) if value else True
    return {"compression": None, "extensions": [factory(**options)]}


def echo(connection):
    try:
        for message in connection:
            connection.send(message)
    except ConnectionClosed:
        pass


def run_server(tls, terms):
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    with serve(echo, "127.0.0.1", 0, max_size=None, ssl=context,
               **compression(ServerPerMessageDeflateFactory, terms)) as server:
        print("listening", server.socket.getsockname()[1], flush=True)
        server.serve_forever()


def text(n):
    return "".join(chr(ord("a") + i * 7 % 26) for i in range(n))


def binary(n):
    return random.Random(n).randbytes(n)


def expect(connection, want):
    got = connection.recv(timeout=PATIENCE)
    assert type(got) is type(want), f"a {type(got).__name__} came back"
    assert got == want, f"{len(got)} came back other than sent"


def round_trip(connection, data):
    connection.send(data)
    expect(connection, data)


def ping(connection):
    pong = connection.ping(b"are you there")
    round_trip(connection, "behind the ping")
    assert pong.wait(PATIENCE), "no pong"


def fragments(connection):
    pieces = ["a", "b" * 1000, "", "größer", "c" * 70000]
    connection.send(iter(pieces))
    expect(connection, "".join(pieces))


def closing(connection):
    connection.close(1000, "bye")
    got = connection.protocol.close_rcvd
    assert got is not None and got.code == 1000, f"the answer was {got}"


def same_again(connection):
    round_trip(connection, binary(230))
    round_trip(connection, binary(230))


def agreed(connection, deflate):
    got = connection.response.headers.get("Sec-WebSocket-Extensions", "")
    assert got.startswith("permessage-deflate") == deflate, \
        f"the answer's extensions are {got!r}"


def report(name, case, *args):
    try:
        case(*args)
        print("ok", name)
    except (AssertionError, ConnectionClosed, TimeoutError) as error:
        print(f"not ok {name}: {error or type(error).__name__}")


def run_client(url, ca, terms):
    context = ssl.create_default_context(cafile=ca[0]) if ca else None
    with connect(url, max_size=None, proxy=None, ssl=context,
                 **compression(ClientPerMessageDeflateFactory, terms)
                 ) as connection:
        report("compression as asked", agreed, connection, terms is not None)
        for n in SIZES:
            report(f"text of {n} bytes", round_trip, connection, text(n))
            report(f"binary of {n} bytes", round_trip, connection, binary(n))
        report("text of many-byte characters", round_trip, connection,
               "größer, 你好, 🦍; " * 3000)
        report("the same again", same_again, connection)
        report("the same far behind", round_trip, connection,
               2 * binary(20000))
        report("ping", ping, connection)
        report("fragments", fragments, connection)
        report("close", closing, connection)


def take(args, name, count):
    """Removes an option.  Returns its arguments; None: it is not there.  All
    that follow, for a count of None."""
    if name not in args:
        return None
    at = args.index(name)
    end = None if count is None else at + 1 + count
    taken = args[at + 1:end]
    del args[at:end]
    return taken


def main(args):
    terms = take(args, "--deflate", None)
    tls = take(args, "--tls", 2)
    ca = take(args, "--ca", 1)
    if args == ["server"]:
        run_server(tls, terms)
    elif len(args) == 2 and args[0] == "client":
        run_client(args[1], ca, terms)
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
