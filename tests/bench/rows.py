# SPDX-License-Identifier: MIT
"""The workloads."""

from dataclasses import dataclass, replace


@dataclass
class Row:
    name: str
    title: str
    load: str  # flags of bench_load, or of a client
    goal: float = 0  # ratio to the limit that we want to reach
    runs: int = 0  # at most; 0: as many as asked for
    client: bool = False  # clients are measured, not servers

    @property
    def load_flags(self):
        return self.load.split()

    def _flags(self, *wanted):
        return [flag for flag in wanted if flag in self.load_flags]

    @property
    def server_flags(self):
        return self._flags("--deflate", "--tls", "--cast")

    @property
    def client_flags(self):
        """Those that not every client can."""
        return self._flags("--deflate", "--tls", "--resume")

    @property
    def command(self):
        """That of ours."""
        if self.client:
            return f"bench_client {self.load} PORT"
        return f"bench_load {self.load} --pid PID PORT"

    @property
    def kind(self):
        """What is measured."""
        if "--idle" in self.load_flags:
            return "memory"
        return "client" if self.client else "server"

    @property
    def crowded(self):
        """Whether there are so many that their p99 gets a chart."""
        return self in CROWD

    @property
    def unit(self):
        if "--connect" in self.load_flags:
            return "connection"
        return "delivery" if "--cast" in self.load_flags else "message"

    @property
    def units(self):
        return "deliveries" if self.unit == "delivery" else f"{self.unit}s"


ECHO = (
    Row("a", "1 connection, 20 bytes", "--connections 1 --size 20", 0.85),
    Row("b", "64 connections, 20 bytes", "--connections 64 --size 20", 0.94),
    Row("c", "64 connections, 16 messages under way on each, 20 bytes",
        "--connections 64 --depth 16 --size 20", 1.00),
    Row("d", "64 connections, 1 KiB", "--connections 64 --size 1024", 0.94),
    Row("e", "64 connections, 64 KiB",
        "--connections 64 --size 65536 --binary", 0.95),
    Row("f", "8 connections, 1 MiB",
        "--connections 8 --size 1048576 --binary", 0.80),
    Row("g", "64 connections, 1 KiB, permessage-deflate",
        "--connections 64 --size 1024 --deflate", 1.00),
    Row("h", "64 connections, 1 KiB, TLS",
        "--connections 64 --size 1024 --tls", 0.75),
)

CONNECT = (
    Row("j", "connect, upgrade and close, 16 at a time",
        "--connect --connections 16", 0.94),
    Row("jtls", "the same with TLS, each handshake in full",
        "--connect --connections 16 --tls", 1.05),
    Row("jres", "the same with TLS, sessions resumed",
        "--connect --connections 16 --tls --resume", 1.05),
)

CAST = (
    Row("k", "one message to 1,000 connections, 100 bytes",
        "--cast --connections 1000 --depth 1 --size 100", 1.05),
    Row("k16", "16 messages under way to 1,000 connections, 100 bytes",
        "--cast --connections 1000 --depth 16 --size 100", 1.05),
    Row("k5k", "one message to 5,000 connections, 100 bytes",
        "--cast --connections 5000 --depth 1 --size 100 --warmup 0.5", 0.95),
)

CROWD = (
    Row("10k", "10,000 connections, 20 bytes",
        "--connections 10000 --size 20 --warmup 0.5"),
    Row("19k", "19,000 connections, 20 bytes",
        "--connections 19000 --size 20 --warmup 0.5"),
)

# The same from the other side: row -> goal.
CLIENT_GOALS = {"b": 1.00, "d": 1.08, "e": 1.15, "g": 0, "h": 1.05,
                "j": 1.10, "jtls": 1.05, "jres": 1.05}
CLIENT = tuple(replace(row, name=f"client-{row.name}", client=True,
                       goal=CLIENT_GOALS[row.name])
               for row in (*ECHO, *CONNECT) if row.name in CLIENT_GOALS)

IDLE = (
    Row("i", "10,000 idle connections",
        "--idle --connections 10000 --size 1024", runs=3),
    Row("itls", "10,000 idle connections, TLS",
        "--idle --connections 10000 --size 1024 --tls", runs=1),
)

ROWS = {row.name: row
        for row in (*ECHO, *CONNECT, *CAST, *CROWD, *CLIENT, *IDLE)}
