#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures silverback beside other libraries, and beside the limit: a raw
epoll loop that only receives, unmasks and sends (limit.c); clients beside the
load generator's own loop, which masks what it sends.

Builds what it finds compilers for, runs each row against each server in turn,
as often as --runs says, and writes docs/benchmarks.md and its charts. What is
measured has one core, what it talks to another. The limit is run twice, under
two names: how much it differs from itself is the noise."""

import argparse
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the source tree stays clean
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import report  # noqa: E402
from harness import start_server  # noqa: E402
from rows import ROWS  # noqa: E402
from servers import ROOT, build_all, say  # noqa: E402

TRIES = 3  # if others were busy
PATIENCE = 120  # seconds for one run, the measured time not counted


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--folder", default="build-bench", type=pathlib.Path,
        help="for what is built and measured (build-bench)")
    add("--runs", type=int, default=9)
    add("--seconds", type=float, default=1.0, help="of each run (1)")
    add("--rows", default=",".join(ROWS), help="(%(default)s)")
    add("--servers", help="only these, and the limit; all variants of\n"
        "silverback by its name alone")
    add("--variant", action="append", default=[], metavar="FLAGS",
        help="of bench_server, such as \"--workers 2\"; what it has by\n"
        "itself is measured anyway. As --variant=FLAGS")
    add("--server", action="append", default=[], metavar="NAME=COMMAND",
        help="another one, started as COMMAND [--deflate] [--tls] PORT")
    add("--server-cores", metavar="N,N...", help="(the first one)")
    add("--load-core", type=int, help="(the last one)")
    add("--docs", type=pathlib.Path, default=ROOT / "docs",
        help="where the report goes (docs)")
    add("--report", action="store_true",
        help="build and measure nothing: write it from the last results")
    return parser.parse_args()


def wanted_by(names):
    """Which servers to run, by their names."""
    if names is None:
        return lambda name: True
    names = names.split(",")
    return lambda name: name in names or name.split()[0] in names


def busy_beside(pid):
    """Seconds of CPU that others took until now: not this program, what it
    has run, and pid; and the clock."""
    tick = os.sysconf("SC_CLK_TCK")
    stat = pathlib.Path("/proc/stat").read_text().split()
    all_of_them = sum(map(int, stat[1:4] + stat[6:9])) / tick
    its = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    return (all_of_them - sum(map(int, its.split()[11:13])) / tick -
            sum(os.times()[:4]), time.monotonic())


class Bench:
    def __init__(self, options, load):
        cores = sorted(os.sched_getaffinity(0))
        self.options, self.load = options, load
        self.limit = load.with_name("bench_limit")
        self.ours = load.with_name("bench_server")
        self.load_core = {cores[-1] if options.load_core is None
                          else options.load_core}
        self.server_cores = {cores[0]}
        if options.server_cores:
            self.server_cores = set(map(int, options.server_cores.split(",")))
        self.rows = [ROWS[name] for name in options.rows.split(",")]
        self.log = open(options.folder / "servers.log", "w", encoding="utf-8")

    def on(self, cores, function, *args, **more):
        """Its result; what it starts runs on these."""
        os.sched_setaffinity(0, cores)
        try:
            return function(*args, **more)
        finally:
            os.sched_setaffinity(0, self.load_core)

    def start(self, command, row, cores):
        """A fresh server.  Returns it, and its port."""
        command = [str(part) for part in command] + row.server_flags
        return self.on(cores, start_server,
                       lambda port: [*command, str(port)],
                       cwd=self.options.folder, stderr=self.log)

    def run_once(self, command, row, port):
        """What a program that measures has printed."""
        command = [*map(str, command), *row.load_flags, "--seconds",
                   str(self.options.seconds), str(port)]
        try:
            done = subprocess.run(
                command, text=True, stdout=subprocess.PIPE, check=False,
                stderr=subprocess.PIPE, cwd=self.options.folder,
                timeout=PATIENCE + self.options.seconds)
        except subprocess.TimeoutExpired:
            return {"error": f"no end after {PATIENCE} s"}
        if done.returncode:
            return {"error": done.stderr.strip() or
                             f"exit status {done.returncode}"}
        return json.loads(done.stdout)

    def load_server(self, server, row):
        """By the load generator."""
        process, port = self.start(server.command, row,
                                   self.server_cores)
        try:
            return self.run_once([self.load, "--pid", process.pid], row, port)
        finally:
            process.kill()
            process.wait()

    def run_client(self, server, row):
        """Beside the limit; but beside our server where that is to compress
        or to close, since each message of the limit ends its stream, and it
        leaves the end of a connection to clients (RFC 6455, 7.1.1)."""
        talks_to = (self.ours if {"--deflate", "--connect"} &
                    set(row.load_flags) else self.limit)
        process, port = self.start([talks_to], row, self.load_core)
        try:
            before = busy_beside(process.pid)
            got = self.on(self.server_cores, self.run_once, server.client,
                          row, port)
            after = busy_beside(process.pid)
            busy, passed = after[0] - before[0], after[1] - before[1]
            return {**got, "others_busy": round(busy / passed, 3)}
        finally:
            process.kill()
            process.wait()

    def measure(self, server, row):
        """Again, if others were busy; then the quietest."""
        best = None
        for _ in range(TRIES):
            try:
                got = (self.run_client if row.client
                       else self.load_server)(server, row)
            except (OSError, RuntimeError):
                return {"error": "does not start: see servers.log"}
            if "error" in got:
                return got
            noise = got.get("others_busy", 0)
            if best is None or noise < best["others_busy"]:
                best = got
            if noise <= report.QUIET:
                break
        return best

    def all_runs(self, servers):
        """Yields one result after the other; the servers take turns at being
        the first."""
        for i in range(self.options.runs):
            for row in self.rows:
                if i >= (row.runs or self.options.runs):
                    continue
                first = i % len(servers)
                for server in servers[first:] + servers[:first]:
                    if server.takes(row):
                        yield {"run": i, "row": row.name,
                               "server": server.name,
                               **self.measure(server, row)}


def tell(result):
    figures = result.get("error") or " ".join(
        f"{name} {result[name]:,}" for name in
        ("cpu_us", "per_second", "p99_us", "others_busy", "used_bytes")
        if name in result)
    say(f"{result['run']} {result['row']:4} {result['server']:24} {figures}")


def measure_all(options, results):
    load, servers = build_all(options.folder, wanted_by(options.servers),
                              options.variant, options.server)
    bench = Bench(options, load)
    about = {"about": report.about_machine(),
             "runs": options.runs, "seconds": options.seconds,
             "server_cores": sorted(bench.server_cores),
             "load_core": sorted(bench.load_core),
             "arguments": sys.argv[1:],
             "versions": {s.name: s.version for s in servers}}
    with open(results, "w", encoding="utf-8") as file:
        file.write(json.dumps(about) + "\n")
        for result in bench.all_runs(servers):
            file.write(json.dumps(result) + "\n")
            file.flush()
            tell(result)


def interrupt(_signal, _frame):
    raise KeyboardInterrupt  # which ends the server, too


def main():
    signal.signal(signal.SIGTERM, interrupt)
    options = parse()
    unknown = set(options.rows.split(",")) - set(ROWS)
    if unknown:
        sys.exit(f"run.py: no such row: {', '.join(sorted(unknown))}")
    options.folder.mkdir(exist_ok=True)
    options.folder = options.folder.resolve()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = options.folder / "results.jsonl"
    if not options.report:
        measure_all(options, results)
    report.write(results, options.docs)


if __name__ == "__main__":
    main()
