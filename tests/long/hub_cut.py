#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hub_cut.py BUILD [--clients N] [--rate N] [--seconds N] [--cut SECONDS]

Two nodes of a hub in two network namespaces, and Redis in a third.  First the
link of one of them to Redis is cut and healed, then all of its links.  Every
client has to have every publication once and in order, or be told that some were
lost; the counts are printed.  Needs to be root, and ip of iproute2."""

import argparse
import contextlib
import pathlib
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "redis")]

from harness import Tap, command_of, wait_until  # noqa: E402
from hub_failures import Hub  # noqa: E402
from servers import Redis, die_with_parent  # noqa: E402


def ip(*words, check=True):
    subprocess.run([command_of("ip"), *words], check=check,
                   stderr=None if check else subprocess.DEVNULL)


class Link:
    """From this namespace to another one: ours is ...1 there, theirs ...2."""

    def __init__(self, stack, space, n):
        self.name, self.net = f"wshub{n}", f"10.213.{n}."
        ip("link", "add", self.name, "type", "veth", "peer", "name",
           f"{self.name}p", "netns", space)
        stack.callback(ip, "link", "del", self.name, check=False)
        ip("addr", "add", f"{self.net}1/24", "dev", self.name)
        ip("link", "set", self.name, "up")
        ip("-n", space, "addr", "add", f"{self.net}2/24", "dev",
           f"{self.name}p")
        ip("-n", space, "link", "set", f"{self.name}p", "up")

    def cut(self):
        ip("link", "set", self.name, "down")

    def heal(self):
        ip("link", "set", self.name, "up")


class Node:
    """In a namespace of its own, with a link to clients and one to Redis."""

    def __init__(self, stack, n, folder, redis_port):
        space, self.port = f"wshub{n}", 7700 + n
        ip("netns", "add", space)
        stack.callback(ip, "netns", "del", space, check=False)
        self.clients = Link(stack, space, 2 * n)
        self.redis = Link(stack, space, 2 * n + 1)
        self.host = f"{self.clients.net}2"
        process = subprocess.Popen(
            [command_of("ip"), "netns", "exec", space, str(folder / "hub_node"),
             f"{self.host}:{self.port}",
             f"redis://{self.redis.net}1:{redis_port}"],
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        stack.callback(process.wait)
        stack.callback(process.kill)
        if not wait_until(self.is_listening):
            raise RuntimeError(f"the node in {space} does not listen")

    def is_listening(self):
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), 1).close()
            return True
        return False


def link_to_redis(hub, options):
    """the link of a node to Redis is cut and healed"""
    hub.nodes[1].redis.cut()
    time.sleep(options.cut)
    hub.nodes[1].redis.heal()


def all_links(hub, options):
    """all links of a node are cut and healed"""
    hub.nodes[1].clients.cut()
    link_to_redis(hub, options)
    hub.nodes[1].clients.heal()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", help="where hub_node and hub_clients are")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--cut", type=float, default=10)
    options = parser.parse_args()
    tap = Tap(2)
    for n, case in enumerate((link_to_redis, all_links)):
        with contextlib.ExitStack() as stack:
            redis = Redis(stack, "--bind", "0.0.0.0", "--protected-mode", "no")
            hub = Hub(options, [
                Node(stack, 1 + 2 * n + i, pathlib.Path(options.build),
                     redis.port) for i in range(2)])
            hub.run(tap, case.__doc__, lambda hub: case(hub, options))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
