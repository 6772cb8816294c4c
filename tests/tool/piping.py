# SPDX-License-Identifier: MIT
"""What goes from standard input to messages, and back."""

import base64
import json
import pathlib
import random
import subprocess
import tempfile

from harness import PATIENCE, Raw
from program import case
from tool import (ENVIRONMENT, Collecting, accept_request, command, echo,
                  read_request, run)
from websocket import Scripted

BYTES = random.Random(7).randbytes(300000)


def sent(*args, given=b""):
    """What arrives of that."""
    with Collecting() as s:
        done = run(*args, s.url, given=given)
    return s.said[0][0] if s.said else done


def printed(*args, messages, given=b""):
    """What it prints of them."""
    def say(connection, _target):
        for message in messages:
            connection.send(message)

    with Collecting(say) as s:
        done = run(*args, s.url, given=given)
    return done.out


@case(14)
def what_is_sent(tap):
    for what, want, args, given in [
            ("a line is a message", ["a", "", "größer"], (),
             "a\n\ngrößer\n".encode()),
            ("the last needs no newline", ["a", "b"], (), b"a\nb"),
            ("-0: NUL ends a message", ["a\nb", "c"], ("-0",), b"a\nb\0c\0"),
            ("--whole: one message", ["a\nb\n"], ("--whole",), b"a\nb\n"),
            ("-b --whole: one binary message", [BYTES], ("-b", "--whole"),
             BYTES),
            ("-b -0: binary messages", [b"\xff", b"x"], ("-b", "-0"),
             b"\xff\0x\0"),
            ("-b --hex: lines of hexadecimal", [b"\0\xff"], ("-b", "--hex"),
             b"00 fF\n"),
            ("-b --base64: lines of base64", [b"\0\xff", b""],
             ("-b", "--base64"), b"AP8=\n\n"),
            ("-m: messages, and no input", ["a", "b"], ("-m", "a", "-m", "b",
                                                       "--timeout", "1s"),
             b"never"),
            ("-b -m: a binary one", [b"a"], ("-b", "-ma", "--timeout", "1s"),
             b""),
            ("a line of a megabyte", ["x" * 1000000], (),
             b"x" * 1000000 + b"\n")]:
        got = sent(*args, given=given)
        tap.check(got == want, what, str(got)[:300])
    got = sent("-b", given=BYTES)
    tap.check(b"".join(got) == BYTES and all(isinstance(m, bytes)
                                             for m in got),
              "-b: standard input as it comes", len(got))
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "f")
        file.write_bytes(BYTES)
        got = sent("-b", "-m", "a", "-f", file, "--timeout", "1s")
    tap.check(got == [b"a", BYTES], "-f: a file, in its turn", str(got)[:300])
    got = sent("-b", "--hex", given=b"abc\nzz\n00\n")
    tap.check(got == [b"\0"], "--hex: what is none is not sent", got)


@case(10)
def what_is_printed(tap):
    for what, want, args, messages in [
            ("a message is a line", b"a\n\nb\x1b\n", (), ["a", "", "b\x1b"]),
            ("binary as it is", BYTES, (), [BYTES[:1000], BYTES[1000:]]),
            ("-0: NUL behind each", b"a\0\xff\0", ("-0",), ["a", b"\xff"]),
            ("--hex: binary as hexadecimal", b"a\n00ff\n", ("--hex",),
             ["a", b"\0\xff"]),
            ("--base64: binary as base64", b"a\n" + base64.b64encode(BYTES)
             + b"\n", ("--base64",), ["a", BYTES]),
            ("-1: one, and no more", b"a\n", ("-E", "-1"), ["a", "b"]),
            ("-n: so many", b"a\nb\n", ("-E", "-n", "2"), ["a", "b", "c"])]:
        got = printed(*args, messages=messages)
        tap.check(got == want, what, str(got)[:300])
    events = [json.loads(line) for line in printed(
        "--json", messages=['q"\\\n\x1b\x85größer', b"\0\xff"]).splitlines()]
    kinds = [event["event"] for event in events]
    tap.check(kinds == ["open", "message", "message", "close"],
              "--json: an event on each line", events)
    tap.check([events[1]["type"], events[1]["data"]] ==
              ["text", 'q"\\\n\x1b\x85größer'], "--json: text", events[1])
    tap.check([events[2]["type"], events[2]["base64"]] ==
              ["binary", "AP8="], "--json: binary", events[2])


@case(2)
def both_ways(tap):
    lines = b"".join(b"%d %s\n" % (n, b"x" * (n % 5000)) for n in range(5000))
    with Scripted(echo) as s:
        done = run(s.url, given=lines)
    tap.check((done.code, done.out) == (0, lines),
              "12 MB of lines come back", (done.code, len(done.out)))
    with Collecting(lambda c, _: c.send("x" * 2000)) as s:
        done = run("--max-message", "1K", s.url)
    tap.check(done.code == 7 and done.out == b"",
              "--max-message: one that is larger is not taken", done)


@case(1)
def answered_before(tap):
    with Collecting(lambda c, _: c.send("hello")) as s:
        with subprocess.Popen(command("-f", "-", "-1", s.url), env=ENVIRONMENT,
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            heard = process.stdout.readline()
            process.stdin.write(b"x")
            process.stdin.close()
            code = process.wait(PATIENCE)
    tap.check((code, heard, s.said) == (0, b"hello\n", [(["x"], 1000)]),
              "-1: what was given goes, also behind the answer",
              (code, heard, s.said))


@case(1)
def closed_output_file(tap):
    """What is opened next must not take its place."""
    with Collecting(lambda c, _: c.send("hello")) as s:
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh",
             *command("-m", "x", "-1", s.url)], env=ENVIRONMENT,
            stderr=subprocess.PIPE, timeout=PATIENCE)
    tap.check((done.returncode, done.stderr) == (0, b"")
              and s.said == [(["x"], 1000)],
              "without a standard output", (done, s.said))


@case(1)
def not_before_the_101(tap):
    """The input stays where it is, in the pipe, while the server has not
    answered; what has come with the request would have been in the pipe."""
    def talk(sock):
        request = read_request(sock)
        sock.settimeout(0.3)
        try:
            early = sock.recv(1)
        except TimeoutError:
            early = b""
        sock.settimeout(PATIENCE)
        accept_request(sock, request)
        late = sock.recv(2)
        return early, late

    with Raw(talk) as s:
        run(s.url, given=b"x\n")
    tap.check(s.result == (b"", b"\x81\x81"), "nothing goes before the 101",
              s.result)

