#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nodes.py CHAT_EXE DOCS

Three nodes of examples/chat share their rooms by a Redis, behind HAProxy with
the very file that DOCS shows, in which only addresses and paths are other ones.
One of them is killed, and its clients come back to the others.  Prints TAP."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "examples"), str(HERE)]

from chats import place_of, who  # noqa: E402
from harness import (  # noqa: E402
    PATIENCE, Tap, command_of, is_listening, start_server, stop, wait_until)
import reverse  # noqa: E402
from websocket import Ended  # noqa: E402

NODES, CLIENTS = 3, 9


def redis(stack, folder):
    process, port = start_server(lambda port: [
        command_of("redis-server"), "--port", str(port), "--save", "",
        "--bind", "127.0.0.1", "--dir", folder])
    stack.callback(stop, process)
    return f"redis://127.0.0.1:{port}"


class Node:
    """Of the chat; it comes back at its own port."""

    def __init__(self, exe, url):
        self._command = [exe, "--redis", url]
        self.process, self.port = start_server(self._command_for)

    def _command_for(self, port):
        return [*self._command, f"127.0.0.1:{port}"]

    def start(self):
        self.process = subprocess.Popen(self._command_for(self.port))
        wait_until(lambda: is_listening(self.port))

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def __exit__(self, *_):
        if self.process.poll() is None:
            stop(self.process)

    def __enter__(self):
        return self


class Proxy:
    """HAProxy, as the page has it."""

    def __init__(self, docs, folder, certificate, nodes):
        self._folder = pathlib.Path(folder)
        self._text = (pathlib.Path(docs) / "haproxy-nodes.cfg").read_text()
        for number, node in enumerate(nodes, 1):
            self._text = self._text.replace(f"127.0.0.1:808{number}",
                                            f"127.0.0.1:{node.port}")
        self._text = self._text.replace("/etc/ssl/example.com.pem",
                                        str(certificate))
        self.process, self.port = start_server(self._command)

    def _command(self, port):
        main, site = self._folder / "main", self._folder / "site"
        main.write_text(reverse.HAPROXY.format(limit=PATIENCE))
        site.write_text(self._text.replace("bind :443",
                                           f"bind 127.0.0.1:{port}"))
        return [command_of("haproxy"), "-q", "-f", str(main), "-f", str(site)]


class Member:
    """One that comes back, since its last place, whenever it has to."""

    def __init__(self, client, name):
        self._client, self._name = client, name
        self.heard, self.returns = [], -1
        self._enter()

    def _enter(self):
        """Through the proxy, as soon as a node takes it."""
        wait_until(self._try)
        self.returns += 1

    def _try(self):
        last = self.heard[-1:]
        since = "".join(f"&since={said.epoch}-{said.offset}" for said in last)
        try:
            self.c, message = self._client.upgrade(
                f"/chat/lobby?name={self._name}{since}")
            while self._take(message).text is not None:
                message = self.c.receive()
            return True
        except (OSError, ValueError, Ended):
            return False

    def _take(self, message):
        said = place_of(message)
        if said.text is not None:
            self.heard.append(said)
        return said

    def say(self, text):
        """And hear it, if need be behind another node."""
        while text not in self.texts():
            try:
                self.c.send(text)
                while self._take(self.c.receive()).text != text:
                    pass
            except (OSError, Ended):
                self._enter()

    def hear_all(self, last):
        while last not in self.texts():
            try:
                self._take(self.c.receive())
            except (OSError, Ended):
                self._enter()

    def who(self):
        return who(self.c, self._take)

    def texts(self):
        return [said.text for said in self.heard]


def all_say(members, what):
    """Each something, and all hear all of it."""
    for number, member in enumerate(members):
        member.say(f"{what}, says {number}")
    for member in members:
        member.hear_all(f"{what}, says {len(members) - 1}")


def same_for_all(members):
    """Each has heard all there is, once and in its order."""
    offsets = [said.offset for said in members[0].heard]
    return offsets == list(range(1, len(offsets) + 1)) and \
        all(member.heard == members[0].heard for member in members)


def returns(members):
    return sum(member.returns for member in members)


def here(members):
    """What the room says of who is here, until it is right."""
    want = (len(members), sorted(f"m{n}" for n in range(len(members))))
    got = []

    def right():
        got[:] = [members[0].who()]
        return got[0] == want
    return wait_until(right), got


PLAN = 7


def try_nodes(tap, stack, exe, docs):
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    certificate = reverse.make_pem(pathlib.Path(folder))
    url = redis(stack, folder)
    nodes = [stack.enter_context(Node(exe, url)) for _ in range(NODES)]
    proxy = Proxy(docs, folder, certificate, nodes)
    stack.callback(stop, proxy.process)
    client = reverse.Client(proxy.port, certificate)

    members = [Member(client, f"m{n}") for n in range(CLIENTS)]
    all_say(members, "hello")
    tap.check(same_for_all(members) and returns(members) == 0,
              "all hear what is said behind any node, in one order",
              [m.heard for m in members])
    right, got = here(members)
    tap.check(right, "and each node knows who is here", got)

    nodes[0].kill()
    all_say(members, "one is gone")
    tap.check(same_for_all(members),
              "a node is killed: nothing is missed, nothing comes twice",
              [m.heard for m in members])
    tap.check(0 < returns(members) < CLIENTS,
              "its own clients have come back, the others stayed",
              returns(members))
    right, got = here(members)
    tap.check(right, "and each is here once", got)

    nodes[0].start()
    for node in nodes[1:]:
        node.kill()
    all_say(members, "it is back")
    tap.check(same_for_all(members),
              "the others are killed: it goes on with what was said",
              [m.heard for m in members])
    right, got = here(members)
    tap.check(right, "and it knows that all are here", got)


def main(exe, docs):
    tap = Tap(PLAN)
    try:
        with contextlib.ExitStack() as stack:
            try_nodes(tap, stack, os.path.abspath(exe), docs)
    except FileNotFoundError as error:
        tap.check(False, "what it needs is there", error)
    return tap.done()


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
