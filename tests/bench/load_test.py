#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""load_test.py LOAD CLIENT SERVER LIMIT

The load generator counts what comes, and gives no figures when it is not what
was sent; the report has the right ratios.  No time is looked at."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True  # the source tree stays clean
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "interop")]

import report  # noqa: E402
from harness import PATIENCE, Tap, start_server, stop  # noqa: E402
from prose import COMPRESSION, HOW, IO_URING  # noqa: E402
from relay import Relay  # noqa: E402
from scripted_peer import (AGREED, CLOSE, RSV1, TEXT, Peer,  # noqa: E402
                           echo, frame, upgrade)
from servers import known_variants, make_server_files  # noqa: E402

SHORT = ["--seconds", "0.1", "--warmup", "0"]
TAIL = b"\0\0\xff\xff"


def run_load(load, flags, port, folder=None):
    """Its exit code, its figures and what it complains about."""
    done = subprocess.run([load, *SHORT, *flags.split(), str(port)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=PATIENCE, check=False, errors="replace",
                          cwd=folder)
    return (done.returncode, json.loads(done.stdout or "{}"),
            done.stderr.strip())


# ---- Right answers ----------------------------------------------------------

LOADS = (
    "--connections 8 --depth 4",
    "--connections 2 --size 0",
    "--connections 3 --size 70000 --binary --check 1",
    "--connections 4 --size 1024 --depth 3 --deflate",
    "--connections 20 --size 1024 --idle",
    "--connections 5 --connect",
    "--connections 20 --depth 4 --size 100 --cast",
    "--connections 3 --size 70000 --binary --check 1 --cast",
)


def is_whole(flags, figures):
    """Whether the counts agree with each other."""
    n = figures.get("count", 0)
    if "--idle" in flags:
        return n == 20
    if "--connect" in flags:
        return n > 0
    if "--cast" in flags:
        return n > 0 and figures["compared"] == n and \
            figures["publications"] > 0
    packed = n if "--deflate" in flags else 0
    return n > 0 and figures["compared"] == n and \
        figures["packed"] == packed and figures["plain"] == n - packed


def check_servers(tap, load, commands):
    for command in commands:
        name = pathlib.Path(command[0]).name + " ".join(["", *command[1:]])
        for flags in LOADS:
            options = [flag for flag in ("--deflate", "--cast")
                       if flag in flags]
            process, port = start_server(
                lambda port: [*command, *options, str(port)])
            code, figures, said = run_load(
                load, f"{flags} --pid {process.pid}", port)
            stop(process)
            tap.check(code == 0 and is_whole(flags, figures),
                      f"{name}: {flags}", f"{code} {figures} {said}")


CLIENTS = (
    "--connections 4",
    "--connections 3 --size 70000 --binary",
    "--connections 4 --connect",
    "--connections 4 --tls --size 1024",
    "--connections 4 --tls --connect",
    "--connections 4 --tls --connect --resume",
)


def check_clients(tap, load, client, server):
    """Those that are measured themselves, and full and resumed handshakes."""
    programs = ((load, "--client"), (load, ""), (client, ""))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_server_files(folder)
        for flags in CLIENTS:
            options = ["--tls"] if "--tls" in flags else []
            process, port = start_server(
                lambda port: [server, *options, str(port)], cwd=folder)
            for program, more in programs:
                code, figures, said = run_load(program, f"{flags} {more}",
                                               port, folder)
                n = figures.get("count", 0)
                resumed = figures.get("resumed", 0)
                least = n - 8 if "--resume" in flags else 0
                name = f"{pathlib.Path(program).name} {flags} {more}".strip()
                tap.check(code == 0 and n > 0 and figures["cpu_us"] >= 0 and
                          (program == client or resumed >= least) and
                          ("--resume" in flags or resumed == 0), name,
                          f"{code} {figures} {said}")
            stop(process)


def check_masks(tap, load, server):
    """--client masks each message by another key; without it few are used."""
    for flags, some, many in (("--client", 20, 10**9), ("", 1, 16)):
        process, port = start_server(lambda port: [server, str(port)])
        relay = Relay(port)
        code, _, said = run_load(load, f"--connections 1 {flags}", relay.port)
        stop(process)
        relay.join(PATIENCE)
        keys = {f.key for f in relay.to_server.frames if f.opcode == TEXT}
        tap.check(code == 0 and some <= len(keys) <= many,
                  f"each message has a key of its own: {flags}",
                  f"{len(keys)} {said}")


def check_counts(tap, load, server):
    """What it counts is what has passed through a relay."""
    for deflate in ("", "--deflate"):
        process, port = start_server(
            lambda port: [server, *deflate.split(), str(port)])
        relay = Relay(port)
        flags = f"--connections 1 --depth 5 --size 500 {deflate}"
        code, figures, said = run_load(load, flags, relay.port)
        stop(process)
        relay.join(PATIENCE)
        frames = [f for f in relay.to_client.frames if f.opcode == TEXT]
        seen = len(frames), sum(f.rsv1 for f in frames)
        n = figures.get("count", 0)
        tap.check(code == 0 and 0 < n <= seen[0] <= n + 5 and
                  seen[1] == (seen[0] if deflate else 0),
                  f"a relay counts as many: {flags}",
                  f"{seen} {figures} {said}")


def check_scripted_counts(tap, load):
    peer = Peer()
    code, figures, said = run_load(load, "--connections 6 --depth 3",
                                   peer.port)
    n = figures.get("count", 0)
    tap.check(code == 0 and 0 < n <= peer.messages <= n + 6 * 3,
              "messages are counted as the peer counts them",
              f"{peer.messages} {figures} {said}")

    peer = Peer()
    code, figures, said = run_load(load, "--connections 6 --connect",
                                   peer.port)
    n = figures.get("count", 0)
    tap.check(code == 0 and 0 < n <= peer.closes <= n + 6,
              "connections are counted as the peer counts them",
              f"{peer.closes} {figures} {said}")

    code, figures, said = run_load(load, "", Peer(in_pieces).port)
    tap.check(code == 0 and figures["count"] > 0,
              "an answer may come in pieces, with a ping between them", said)

    code, figures, said = run_load(load, "--deflate", Peer(unpacked).port)
    tap.check(code == 0 and figures["packed"] == 0 and
              figures["plain"] == figures["count"] > 0,
              "answers that are not compressed are counted",
              f"{figures} {said}")


def inflate(payload):
    return zlib.decompressobj(-15).decompress(payload + TAIL)


def deflate(payload):
    z = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (z.compress(payload) + z.flush(zlib.Z_SYNC_FLUSH))[:-4]


def in_pieces(_first, payload):
    return (frame(payload[:3], more=0) + frame(b"hi", 9) +
            frame(payload[3:], 0))


def unpacked(_first, payload):
    return frame(inflate(payload))


# ---- Wrong answers ----------------------------------------------------------


def flip(at):
    def answer(first, payload):
        wrong = bytearray(payload)
        wrong[at] ^= 1
        return echo(first, bytes(wrong))
    return answer


def swapped():
    kept = []

    def answer(first, payload):
        kept.append(echo(first, payload))
        return b"" if len(kept) < 2 else kept.pop() + kept.pop()
    return answer


def masked(_first, payload):
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


def other_text(_first, payload):
    return frame(deflate(inflate(payload).swapcase()), more=0x80 | RSV1)


def shorter_text(_first, payload):
    return frame(deflate(inflate(payload)[1:]), more=0x80 | RSV1)


# what comes | flags | on_message | what is said about it
WRONG_MESSAGES = (
    ("a wrong byte", "", flip(7), "expected byte 7 of an answer to be"),
    ("a wrong byte in a large answer", "--size 70000 --binary --check 1",
     flip(65537), "expected byte 65537 of an answer to be"),
    ("an answer that is too short", "", lambda f, p: echo(f, p[:-1]),
     "expected an answer of 20 bytes, got 19"),
    ("an answer that is too long", "", lambda f, p: echo(f, p + b"x"),
     "expected an answer of 20 bytes, got more"),
    ("a large answer that is too short", "--size 70000",
     lambda f, p: echo(f, p[:-1]), "expected an answer of 70000 bytes"),
    ("an answer of another type", "", lambda f, p: frame(p, 2),
     "expected an answer of opcode 1, got 2"),
    ("answers in another order", "--depth 2", swapped(), "expected byte"),
    ("an answer twice", "--size 0", lambda f, p: echo(f, p) * 2,
     "expected 1 answers, got 2"),
    ("a publication twice", "--cast --size 0", lambda f, p: echo(f, p) * 2,
     "expected 1 publications, got one more"),
    ("a publication that not all get", "--cast --connections 2", echo,
     "no publication came to all 2 connections"),
    ("a masked answer", "", masked, "expected an unmasked frame"),
    ("a reserved bit", "", lambda f, p: frame(p, more=0xa0),
     "expected an unmasked frame of no reserved bits"),
    ("compression that was not agreed to", "",
     lambda f, p: frame(p, more=0x80 | RSV1),
     "expected an uncompressed answer"),
    ("a continuation of nothing", "", lambda f, p: frame(p, 0),
     "expected an answer, got a continuation"),
    ("a message inside a message", "",
     lambda f, p: frame(p, more=0) + frame(p), "expected a continuation"),
    ("no answer", "", lambda f, p: b"", "no answer came in"),
    ("the end", "", lambda f, p: None, "the server has closed"),
    ("a close frame", "", lambda f, p: frame(b"", CLOSE),
     "the server has closed"),
    ("the end instead of a close frame", "--connect", lambda f, p: None,
     "the server has closed"),
    ("an answer that inflates to something else", "--deflate", other_text,
     "inflates to what was sent"),
    ("an answer that inflates to less", "--deflate", shorter_text,
     "inflates to 20 bytes, got 19"),
    ("an answer that does not inflate", "--deflate",
     lambda f, p: frame(b"\xff\xff\xff", more=0x80 | RSV1),
     "expected an answer that inflates to"),
)


def refusal(_head):
    return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


WRONG_UPGRADES = (
    ("a refusal", "", refusal, "expected an upgrade, got"),
    ("a wrong key", "", lambda h: upgrade(h).replace(b"s3pPLM", b"S3pPLM"),
     "expected an upgrade, got"),
    ("a message before the first one", "",
     lambda h: upgrade(h) + frame(b"hello"),
     "expected an upgrade and nothing more"),
    ("no agreement to compression", "--deflate",
     lambda h: upgrade(h).replace(AGREED, b""),
     "expected agreement to compression"),
    ("agreement to compression that was not offered", "",
     lambda h: upgrade(h)[:-2] + AGREED + b"\r\n",
     "expected no word of compression"),
)


def check_fault(tap, load, flags, peer, what, complaint):
    code, figures, said = run_load(load, f"--connections 1 {flags}", peer.port)
    tap.check(code == 1 and not figures and complaint in said,
              f"{what} is a fault", f"{code} {figures} {said}")


def check_faults(tap, load):
    for what, flags, on_message, complaint in WRONG_MESSAGES:
        check_fault(tap, load, flags, Peer(on_message), what, complaint)
    for what, flags, on_request, complaint in WRONG_UPGRADES:
        check_fault(tap, load, flags, Peer(on_request=on_request), what,
                    complaint)


# ---- The report -------------------------------------------------------------


def results_of(figures, row="b"):
    """Lines of results: one row, some runs of each server."""
    yield {"about": [], "runs": 3, "seconds": 1, "server_cores": [0],
           "load_core": [1], "versions": dict.fromkeys(figures, "")}
    for server, values in figures.items():
        for run, value in enumerate(values):
            yield {"row": row, "server": server, "run": run, "cpu_us": value,
                   "per_second": 1, "p50_us": 1, "p99_us": 1,
                   "server_busy": 1, "client_busy": 1, "others_busy": 0,
                   "rss_kib": 1}


def check_client_report(tap):
    lines = [*results_of({"limit": [2, 2, 2], "mine": [3, 3, 3],
                          "limit, again": [2, 2, 2]}, "client-b")]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "results.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)))
        body = "\n".join(report.text_of(report.Results(path)))
    tap.check("| CPU per message / limit | client-b |" in body and
              "| mine | 1.50 |" in body and "client busy" in body,
              "clients have a table of their own", body)
    tap.check("`bench_client --connections 64 --size 20 PORT`" in body,
              "what is run as a client is said", body)


def check_page(tap):
    """What would be written anew is there already, other figures aside."""
    page = (HERE.parent.parent / "docs/benchmarks.md").read_text()
    for name, part in (("HOW", HOW), ("COMPRESSION", COMPRESSION),
                       ("IO_URING", IO_URING)):
        pattern = re.sub(r"\\{.*?\\}", ".*", re.escape(part))
        tap.check(re.search(pattern, page),
                  f"docs/benchmarks.md has {name} of prose.py")


def check_report(tap):
    lines = [*results_of({"limit": [1.9, 4, 9], "mine": [2.5, 8, 1],
                          "bad": [1, 1, 1], "limit, again": [2.1, 4.4, 11]}),
             {"row": "b", "server": "bad", "run": 3, "error": "wrong byte"}]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        path = folder / "results.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)))
        results = report.Results(path)
        body = "\n".join(report.text_of(results))
        report.chart(folder / "x.svg",
                     [*report.cpu_panels(results, "server")], 1)
        svg = (folder / "x.svg").read_text()
    tap.check("| mine | 1.25 | 2.50 (1.00–8.00) |" in body,
              "a ratio is to the limit in the same run, of the middle one", body)
    tap.check(abs(results.noise(report.ROWS["b"]) - 0.1) < 1e-9,
              "the noise is how much the limit differs from itself")
    tap.check("| bad | failed |" in body and "b, bad: wrong byte" in body,
              "what failed once has no figure", body)
    tap.check(svg.count("<rect class=") == 2 and ">1.25 · 2.50 µs<" in svg,
              "the chart has a bar for each server", svg)


def main():
    # Some run where their certificate is.
    load, client, server, limit = (str(pathlib.Path(each).resolve())
                                   for each in sys.argv[1:])
    commands = [[server, *flags.split()] for flags in known_variants(server)]
    commands.append([limit])
    tap = Tap(len(commands) * len(LOADS) + 3 * len(CLIENTS) + 2 + 2 + 4 +
              len(WRONG_MESSAGES) + len(WRONG_UPGRADES) + 9)
    check_servers(tap, load, commands)
    check_clients(tap, load, client, server)
    check_masks(tap, load, server)
    check_counts(tap, load, server)
    check_scripted_counts(tap, load)
    check_faults(tap, load)
    check_report(tap)
    check_client_report(tap)
    check_page(tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
