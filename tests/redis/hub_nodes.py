#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hub_nodes.py BUILD

What a hub of several nodes over Redis does when nothing goes wrong, and what its
calls say while Redis is away.  All of it is done by a user who may do what
docs/hub.md says.  Prints TAP."""

import contextlib
import pathlib
import re
import signal
import socket
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import Tap, wait_until  # noqa: E402
from hub_failures import Node  # noqa: E402
from servers import Redis  # noqa: E402
from websocket import Ended, connect  # noqa: E402


def user():
    """Of the page: the words of ACL SETUSER."""
    page = HERE.parents[1] / "docs/hub.md"
    return re.search(r"^ACL SETUSER (chat on >secret .*)$", page.read_text(),
                     re.MULTILINE)[1].split()


class Client:
    """Of a node: what it heard, in order."""

    def __init__(self, stack, node):
        self.socket, self.heard = connect(node.port), []
        stack.callback(self.end)
        threading.Thread(target=self._read, daemon=True).start()

    def end(self):
        with contextlib.suppress(OSError):
            self.socket.sock.shutdown(socket.SHUT_RDWR)

    def _read(self):
        with contextlib.suppress(Ended, OSError, ValueError):
            while True:
                self.heard.append(self.socket.receive())

    def ask(self, line, word):
        """Say it, and return the answer that begins so, or a failure."""
        before = len(self.heard)
        self.socket.send(line)
        found = []

        def is_there():
            found[:] = [one for one in self.heard[before:]
                        if one.startswith((word, "failed"))]
            return found
        wait_until(is_there)
        return found[0] if found else "nothing"

    def got(self):
        """The data of the publications."""
        return [one.split(" ", 3)[3] for one in self.heard
                if one.startswith("pub ")]

    def has(self, *data):
        """Does it hear these publications, and no others?"""
        wait_until(lambda: len(self.got()) >= len(data))
        return self.got() == list(data)


def everybody_hears(tap, stack, nodes):
    listeners = [Client(stack, one) for one in nodes]
    speakers = [Client(stack, one) for one in nodes]
    for one in listeners:
        one.ask("join news", "joined")
    said = [speakers[n % 3].ask(f"publish news {n}", "published")
            for n in range(9)]
    offsets = [int(one.split()[2]) for one in said]
    tap.check(offsets == list(range(1, 10)), "places follow each other, "
              "whichever node publishes", said)
    tap.check(all(one.has(*map(str, range(9))) for one in listeners),
              "clients of all nodes hear all, in order",
              [one.heard for one in listeners])

    epoch = said[0].split()[1]
    late = Client(stack, nodes[2])
    tap.check(late.ask(f"join news {epoch} 4", "joined").split()[3] == "1"
              and late.has("4", "5", "6", "7", "8"),
              "one that comes back gets what it missed", late.heard)
    late = Client(stack, nodes[0])
    tap.check(late.ask("join news 12345 4", "joined").split()[3] == "0"
              and late.has(), "with a place of another log it does not",
              late.heard)
    late = Client(stack, nodes[0])
    tap.check(late.ask(f"join news {epoch} 99", "joined").split()[3] == "0"
              and late.has(), "nor with one that the log never had",
              late.heard)
    late = Client(stack, nodes[1])
    speakers[0].ask("publish old 1", "published")
    said = speakers[0].ask("publish old 2", "published").split()
    tap.check(late.ask(f"join old {said[1]} 1", "joined").split()[3] == "1"
              and late.has("2"), "at a node that had nobody there as well",
              late.heard)
    late = Client(stack, nodes[2])
    tap.check(late.ask("join old 0 0", "joined").split()[3] == "1"
              and late.has("1", "2"), "and all that there is, if it asks so",
              late.heard)


def prefixes(tap, stack, nodes):
    speakers = [Client(stack, one) for one in nodes]
    speakers[0].ask("publish room/old before", "published")
    watcher = Client(stack, nodes[1])
    watcher.ask("watch room/", "joined")
    # The topics that there were are known as soon as one of them is heard.
    tap.check(wait_until(lambda: speakers[2].ask(
        "publish room/old .", "published") and "." in watcher.got()),
        "a prefix: a topic that there was", watcher.heard)
    for n in range(20):
        speakers[n % 3].ask(f"publish room/new{n} first{n}", "published")
        speakers[n % 3].ask(f"publish room/new{n} second{n}", "published")
    expected = {f"{word}{n}" for n in range(20)
                for word in ("first", "second")}
    got = watcher.got
    tap.check(wait_until(lambda: expected <= set(got())),
              "topics that are new, from their beginning", got())
    tap.check("before" not in got() and all(
        got().count(one) == 1 for one in expected), "and nothing twice, or "
        "from before it came", got())
    speakers[0].ask("publish other/new 1", "published")
    watcher.ask("join room/new1", "joined")
    speakers[0].ask("publish room/new1 third", "published")
    tap.check(wait_until(lambda: got().count("third") == 2),
              "by its name as well: two subscriptions", got())
    watcher.ask("leave room/new1", "left")
    speakers[0].ask("publish room/new1 fourth", "published")
    tap.check(wait_until(lambda: "fourth" in got()) and
              got().count("fourth") == 1 and
              not any(one.startswith("lost") for one in watcher.heard),
              "and by the prefix alone again", watcher.heard)
    watcher.ask("unwatch room/", "left")
    speakers[0].ask("publish room/new1 fifth", "published")
    speakers[0].ask("publish room/new99 sixth", "published")
    tap.check("fifth" not in got() and "sixth" not in got(),
              "and nothing when it has left", got())


def presence(tap, stack, nodes):
    clients = [Client(stack, nodes[n]) for n in (0, 0, 1, 2, 2)]
    for client, who in zip(clients, ("ann", "bob", "ann", "cid", None)):
        client.ask(f"as {who} lobby" if who else "join lobby", "joined")
    asker = Client(stack, nodes[1])
    tap.check(wait_until(lambda: asker.ask("who lobby", "present") ==
                         "present 5 ann bob cid"),
              "who is present, at all nodes",
              asker.ask("who lobby", "present"))
    clients[1].end()
    tap.check(wait_until(lambda: asker.ask("who lobby", "present") ==
                         "present 4 ann cid"), "one has gone",
              asker.ask("who lobby", "present"))
    nodes[2].kill()
    tap.check(wait_until(lambda: asker.ask("who lobby", "present") ==
                         "present 2 ann"), "a node was killed",
              asker.ask("who lobby", "present"))


def redis_is_away(tap, stack, nodes, redis):
    listener, speaker = Client(stack, nodes[0]), Client(stack, nodes[1])
    listener.ask("join away", "joined")
    epoch = speaker.ask("publish away 1", "published").split()[1]
    speaker.ask("publish away 2", "published")
    listener.has("1", "2")
    redis.signal(signal.SIGSTOP)

    def first_failure():
        return speaker.ask("publish_by 300 away 3", "published")
    failed = first_failure()
    tap.check(failed == "failed the peer no longer answers",
              "publishing: it is not known whether it was", failed)
    late = Client(stack, nodes[0])
    tap.check(late.ask(f"join away {epoch} 1", "joined").split()[3] == "1"
              and late.has("2"), "what is in the log here is delivered",
              late.heard)
    redis.kill()
    tap.check(wait_until(lambda: speaker.ask(
        "publish_by 300 away 4", "published") ==
        "failed the deadline passed"), "publishing: it was not")
    began = time.monotonic()
    said = late.ask("join unheard", "joined")
    tap.check(said == "failed the deadline passed", "joining what nobody "
              "here has", f"{said} after {time.monotonic() - began} s")
    asked = threading.Thread(target=speaker.ask, args=(
        "publish_by 60000 away 5", "published"))
    asked.start()
    redis.start()
    asked.join()
    tap.check(any(one.startswith("published") for one in
                  speaker.heard[-1:]), "publishing waits for Redis",
              speaker.heard)
    tap.check(wait_until(lambda: any(one.startswith("lost") for one in
                                     listener.heard)),
              "which has forgotten all, and that is said", listener.heard)


def main(build):
    tap = Tap(22)
    with contextlib.ExitStack() as stack:
        redis = Redis(stack, "--user", *user())
        url = f"redis://chat:secret@127.0.0.1:{redis.port}"
        nodes = [Node(stack, pathlib.Path(build), url, "0", "1500")
                 for _ in range(3)]
        everybody_hears(tap, stack, nodes)
        prefixes(tap, stack, nodes)
        presence(tap, stack, nodes)
        redis_is_away(tap, stack, nodes, redis)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
