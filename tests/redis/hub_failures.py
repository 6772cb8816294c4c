#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hub_failures.py BUILD CASE... [--clients N] [--rate N] [--seconds N]

Three nodes of a hub over Redis, clients spread over them, publications through
all of them, and something goes wrong in the middle.  Every client has to have
every publication once and in order, or be told that some were lost; the counts
are printed.  Cases: those below, or all.  Prints TAP."""

import argparse
import contextlib
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import Tap, free_port, stop, wait_until  # noqa: E402
from servers import (  # noqa: E402
    Program, Redis, die_with_parent, form_cluster, know_each_other,
    sentinel_config)


def have_all(replicas):
    """Does each of them have what its master has?  One that never had takes
    nothing over."""
    return all("master_link_status:up" in one.asked("INFO", "replication")
               for one in replicas)


class Proxy:
    """Before a server.  Told to, it has the next request of a connection done,
    keeps the answer to itself, and cuts the connection."""

    def __init__(self, stack, port):
        self.server, self.swallows, self.swallowed = port, 0, 0
        self.listener = stack.enter_context(
            socket.create_server(("127.0.0.1", 0)))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.server))
                for pump in self._ask, self._answer:
                    threading.Thread(target=pump, args=(near, far),
                                     daemon=True).start()

    def _ask(self, near, far):
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
        self._cut(near, far)

    def _answer(self, near, far):
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                # Two elements, the first of them a lineage: it was published.
                if self.swallows > self.swallowed and data.startswith(
                        b"*2\r\n$"):
                    self.swallowed += 1
                    break
                near.sendall(data)
        self._cut(near, far)

    @staticmethod
    def _cut(*ends):
        for one in ends:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class Node(Program):
    """Of a hub over the Redis of that URL."""

    def __init__(self, stack, folder, url, *arguments):
        port, self.host = free_port(), "127.0.0.1"
        super().__init__(stack, [
            str(folder / "hub_node"), f"{self.host}:{port}", url, *arguments],
            port)
        stack.callback(self.end)

    def end(self):
        """As a server is ended; unless it has been killed."""
        if self.process.poll() is None and stop(self.process) != 0:
            raise RuntimeError(f"{self.command} does not end well")


class Hub:
    """Nodes, and what is done with them."""

    def __init__(self, options, nodes):
        self.options, self.nodes = options, nodes
        self.folder = pathlib.Path(options.build)

    @classmethod
    def over(cls, stack, options, url):
        """Of three nodes."""
        return cls(options, [Node(stack, pathlib.Path(options.build), url)
                             for _ in range(3)])

    def run(self, tap, name, goes_wrong):
        """Have all of it run while that happens."""
        o = self.options
        clients = subprocess.Popen(
            [str(self.folder / "hub_clients"), str(o.clients), str(o.rate),
             str(o.seconds)] + [f"ws://{one.host}:{one.port}/"
                                for one in self.nodes],
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        said = clients.stdout.readline()
        time.sleep(o.seconds / 4)
        if said == "joined\n":
            goes_wrong(self)
        said += clients.communicate()[0]
        tap.check(clients.returncode == 0, name, said)
        print("# " + said.strip().replace("\n", "\n# "), flush=True)


def with_redis(*arguments):
    """A case over a server of its own."""
    def decorate(goes_wrong):
        def case(tap, name, options):
            with contextlib.ExitStack() as stack:
                redis = Redis(stack, *arguments)
                hub = Hub.over(stack, options, f"redis://127.0.0.1:{redis.port}")
                hub.run(tap, name, lambda hub: goes_wrong(hub, redis, options))
        return case
    return decorate


@with_redis()
def nothing(*_):
    """nothing goes wrong"""


@with_redis()
def node(hub, _, options):
    """kill -9 of a node, which comes back"""
    hub.nodes[0].kill()
    time.sleep(options.seconds / 4)
    hub.nodes[0].start()


@with_redis()
def connections(_, redis, options):
    """CLIENT KILL of all connections, again and again"""
    for _ in range(5):
        redis.cli("CLIENT", "KILL", "TYPE", "pubsub")
        time.sleep(options.seconds / 20)
        redis.cli("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(options.seconds / 20)


@with_redis("--appendonly", "yes")
def restart(_, redis, options):
    """kill -9 of Redis, which has written all of it down"""
    redis.kill()
    time.sleep(options.seconds / 10)
    redis.start()


@with_redis()
def forgotten(_, redis, options):
    """kill -9 of Redis, which has nothing afterwards"""
    redis.kill()
    time.sleep(options.seconds / 10)
    redis.start()


@with_redis("--appendonly", "yes")
def both(hub, redis, options):
    """kill -9 of a node, then of Redis; both come back"""
    hub.nodes[1].kill()
    time.sleep(options.seconds / 10)
    redis.kill()
    time.sleep(options.seconds / 10)
    redis.start()
    hub.nodes[1].start()


@with_redis()
def stopped(_, redis, options):
    """Redis is stopped for a while (SIGSTOP)"""
    redis.signal(signal.SIGSTOP)
    time.sleep(options.stop)
    redis.signal(signal.SIGCONT)


@with_redis()
def stopped_node(hub, _, options):
    """a node is stopped for a while (SIGSTOP)"""
    hub.nodes[2].signal(signal.SIGSTOP)
    time.sleep(options.stop)
    hub.nodes[2].signal(signal.SIGCONT)


@with_redis()
def flushed(_, redis, options):
    """FLUSHALL, and SCRIPT FLUSH"""
    redis.cli("SCRIPT", "FLUSH")
    time.sleep(options.seconds / 10)
    redis.cli("FLUSHALL")


@with_redis()
def older(_, redis, options):
    """kill -9 of Redis, which has but the beginning afterwards"""
    redis.cli("SAVE")
    time.sleep(options.seconds / 10)
    redis.kill()
    redis.start()


def answers(tap, name, options):
    """what was published is not said, and the connection is cut"""
    with contextlib.ExitStack() as stack:
        proxy = Proxy(stack, Redis(stack).port)
        hub = Hub.over(stack, options, f"redis://127.0.0.1:{proxy.port}")

        def swallow(_):
            for _ in range(10):
                proxy.swallows += 1
                time.sleep(options.seconds / 40)
        hub.run(tap, name, swallow)
        print(f"# {proxy.swallowed} answers were lost")


def failover(tap, name, options):
    """kill -9 of the master of three Sentinels"""
    with contextlib.ExitStack() as stack:
        master = Redis(stack, "--repl-diskless-sync-delay", "0")
        replicas = [Redis(stack, "--replicaof", f"127.0.0.1 {master.port}")
                    for _ in range(2)]
        sentinels = [Redis(stack, config=sentinel_config(master),
                           program="redis-sentinel") for _ in range(3)]
        wait_until(lambda: have_all(replicas) and know_each_other(sentinels))
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in sentinels)
        hub = Hub.over(stack, options, f"redis+sentinel://{hosts}/mymaster")
        hub.run(tap, name, lambda _: master.kill())


def cluster(tap, name, options):
    """a cluster of three masters and three replicas loses the topic's"""
    with contextlib.ExitStack() as stack:
        servers = [Redis(stack, "--cluster-enabled", "yes",
                         "--cluster-node-timeout", "2000",
                         "--repl-diskless-sync-delay", "0") for _ in range(6)]
        form_cluster(servers)
        wait_until(lambda: have_all(
            one for one in servers
            if "role:slave" in one.asked("INFO", "replication")))
        slot = servers[0].cli("CLUSTER", "KEYSLOT", "news")
        hub = Hub.over(stack, options,
                       f"redis+cluster://127.0.0.1:{servers[0].port}")

        def lose(_):
            next(one for one in servers
                 if "role:master" in one.asked("INFO", "replication")
                 and one.cli("CLUSTER", "COUNTKEYSINSLOT", slot) != "0"
                 ).kill()
        hub.run(tap, name, lose)


CASES = {"nothing": nothing, "node": node, "connections": connections,
         "restart": restart, "forgotten": forgotten, "both": both,
         "stopped": stopped, "stopped_node": stopped_node,
         "flushed": flushed, "older": older, "answers": answers,
         "failover": failover, "cluster": cluster}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", help="where hub_node and hub_clients are")
    parser.add_argument("cases", nargs="+", choices=[*CASES, "all"])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--stop", type=float, default=1)
    options = parser.parse_args()
    wanted = list(CASES) if "all" in options.cases else options.cases
    tap = Tap(len(wanted))
    for name in wanted:
        CASES[name](tap, name, options)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
