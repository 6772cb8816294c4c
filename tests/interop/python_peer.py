#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python_peer.py server [--tls CERT KEY] [--deflate [TERM...]]
    echoes; prints "listening PORT"
python_peer.py client URL [--ca FILE] [--deflate [TERM...]]
    talks to an echo server; prints each case
A TERM is a parameter of permessage-deflate, as NAME or NAME=NUMBER.

On asyncio: with the package's threads a connection is read and written by two
at once, which Python's TLS does not bear.
"""

import asyncio
import random
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory)

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


async def echo(connection):
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def run_server(tls, terms):
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    async with serve(echo, "127.0.0.1", 0, max_size=None, ssl=context,
                     **compression(ServerPerMessageDeflateFactory, terms)
                     ) as server:
        print("listening", server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


def text(n):
    return "".join(chr(ord("a") + i * 7 % 26) for i in range(n))


def binary(n):
    return random.Random(n).randbytes(n)


async def expect(connection, want):
    got = await asyncio.wait_for(connection.recv(), PATIENCE)
    assert type(got) is type(want), f"a {type(got).__name__} came back"
    assert got == want, f"{len(got)} came back other than sent"


async def round_trip(connection, data):
    await connection.send(data)
    await expect(connection, data)


async def ping(connection):
    pong = await connection.ping(b"are you there")
    await round_trip(connection, "behind the ping")
    await asyncio.wait_for(pong, PATIENCE)


async def fragments(connection):
    pieces = ["a", "b" * 1000, "", "größer", "c" * 70000]
    await connection.send(iter(pieces))
    await expect(connection, "".join(pieces))


async def closing(connection):
    await connection.close(1000, "bye")
    got = connection.protocol.close_rcvd
    assert got is not None and got.code == 1000, f"the answer was {got}"


async def same_again(connection):
    await round_trip(connection, binary(230))
    await round_trip(connection, binary(230))


async def agreed(connection, deflate):
    got = connection.response.headers.get("Sec-WebSocket-Extensions", "")
    assert got.startswith("permessage-deflate") == deflate, \
        f"the answer's extensions are {got!r}"


async def report(name, case, *args):
    try:
        await case(*args)
        print("ok", name)
    except (AssertionError, ConnectionClosed, TimeoutError) as error:
        print(f"not ok {name}: {error or type(error).__name__}")


async def run_client(url, ca, terms):
    context = ssl.create_default_context(cafile=ca[0]) if ca else None
    async with connect(url, max_size=None, proxy=None, ssl=context,
                       **compression(ClientPerMessageDeflateFactory, terms)
                       ) as c:
        await report("compression as asked", agreed, c, terms is not None)
        for n in SIZES:
            await report(f"text of {n} bytes", round_trip, c, text(n))
            await report(f"binary of {n} bytes", round_trip, c, binary(n))
        await report("text of many-byte characters", round_trip, c,
                     "größer, 你好, 🦍; " * 3000)
        await report("the same again", same_again, c)
        await report("the same far behind", round_trip, c, 2 * binary(20000))
        await report("ping", ping, c)
        await report("fragments", fragments, c)
        await report("close", closing, c)


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
        asyncio.run(run_server(tls, terms))
    elif len(args) == 2 and args[0] == "client":
        asyncio.run(run_client(args[1], ca, terms))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
