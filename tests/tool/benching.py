# SPDX-License-Identifier: MIT
"""ws bench."""

import csv
import json
import pathlib
import signal
import tempfile

from harness import PATIENCE, make_certificate, wait_until
from program import case
from tool import Listening, run, started
from websocket import Ended, Scripted

SHORT = ("--warmup", "50ms", "-d", "300ms")


def figures(*args):
    done = run("bench", "--json", *args)
    return (json.loads(done.out) if done.out else {}), done


@case(1)
def secure(tap):
    with tempfile.TemporaryDirectory() as folder:
        cert = make_certificate(pathlib.Path(folder), "s", "DNS:localhost")
        with Listening("echo", "--cert", cert, "--key",
                       cert.with_suffix(".key"), "{}") as s:
            got, done = figures(*SHORT, "-k", "-c", "9",
                                f"wss://localhost:{s.port}")
    tap.check(done.code == 0 and got["connections"] == 9
              and done.err.count("NOT VERIFIED") == 1,
              "bench: by TLS, of which it is said once who is trusted", done)


@case(8)
def bench(tap):
    with Listening("echo", "-z", "{}") as s:
        got, done = figures(*SHORT, "-c", "5", "--pid", s.process.pid, s.url)
        tap.check(done.code == 0 and got["connections"] == 5
                  and got["messages"] > 0 and got["lost"] == 0,
                  "bench: as fast as it goes", done)
        tap.check(0 < got["p50_ms"] <= got["p90_ms"] <= got["p99_ms"]
                  <= got["p99.9_ms"] <= got["max_ms"],
                  "bench: percentiles", got)
        tap.check(got["server_us_per_message"] > 0
                  and "server_bytes_per_connection" in got,
                  "bench: the server's CPU and memory", got)
        got, done = figures(*SHORT, "-c", "3", "-p", "8", "-z", "-s", "1K",
                            "--threads", "2", s.url)
        tap.check(done.code == 0 and got["messages"] > 0,
                  "bench: several under way, compressed", done)
        done = run("bench", *SHORT, "--csv", "-r", "200/s", s.url)
        rows = list(csv.DictReader(done.out.decode().splitlines()))
        tap.check(done.code == 0 and len(rows) == 1
                  and int(rows[0]["messages"]) <= 200,
                  "bench: at a rate, as CSV", done)
        done = run("bench", *SHORT, "-c", "2", s.url)
        tap.check(done.code == 0 and b"p99.9_ms" in done.out
                  and b" ms " in done.out and b"#" in done.out,
                  "bench: with a histogram", done)
    counted = []

    def count(connection, _target):
        try:
            while True:
                connection.send(connection.receive())
                counted.append(1)
        except Ended:
            pass

    with Scripted(count) as s, \
            started("bench", "-c1", "--warmup", "1ms", "-d", "1h", "--json",
                    s.url) as process:
        wait_until(lambda: len(counted) > 500)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    tap.check(process.returncode == 0 and json.loads(out)["messages"] > 0,
              "bench: SIGINT ends it, and it tells", out)
    done = run("bench", "-c", "2", "ws://127.0.0.1:1/")
    tap.check(done.code == 2 and "2 connections failed" in done.err,
              "bench: nobody is there", done)


@case(3)
def bench_fanout(tap):
    with Listening("broadcast", "{}") as s:
        got, done = figures(*SHORT, "--fanout", "-c", "4", "-r", "100", "-s",
                            "64", s.url)
        tap.check(done.code == 0 and got["messages"] > 0,
                  "bench: --fanout at a rate", done)
        got, done = figures(*SHORT, "--fanout", "-c", "4", s.url)
        tap.check(done.code == 0 and got["messages"] > 0,
                  "bench: --fanout as fast as it goes", done)
    done = run("bench", "--fanout", "-s", "8", "ws://127.0.0.1:1/")
    tap.check(done.code == 1 and "16 at least" in done.err,
              "bench: --fanout numbers its messages", done)


@case(1)
def bench_omits_nothing(tap):
    """A server that stands still: what was due meanwhile has waited, too."""
    def stand_still(connection, _target):
        held = []
        try:
            while True:
                held.append(connection.receive())
                if len(held) == 20:
                    for message in held:
                        connection.send(message)
                    held = []
        except Ended:
            pass

    with Scripted(stand_still) as s:
        got, done = figures("-c", "1", "-r", "100", "--warmup", "1ms", "-d",
                            "1s", s.url)
    # The first of twenty waits for the last, which is due 190 ms later.
    tap.check(done.code == 0 and got["max_ms"] >= 180 and got["p50_ms"] >= 70,
              "bench: a message waits from when it is due", got)
