# SPDX-License-Identifier: MIT
"""Exit codes, and what leads to each."""

import pathlib
import re
import signal
import subprocess
import tempfile
import threading

from harness import PATIENCE, Raw, free_port, make_certificate, wait_until
from program import case
from tool import (Collecting, Secure, answer, close_frame, command, echo,
                  end_with, interrupt, messages_until_end, open_pipe,
                  read_request, run, started)
from websocket import CLOSE, PING, PONG, Ended, Scripted, accept_key, frame


@case(4)
def closed_normally(tap):
    for code in (1000, 1001, None):
        with Scripted(end_with(code)) as s:
            done = run(s.url, given=None)
        tap.check(done.code == 0 and done.out == b"" and done.err == "",
                  f"0: the server closes with {code or 'no code'}", done)
    with Collecting() as s:
        done = run(s.url, "--close", "4321:so long")
    tap.check(done.code == 0 and s.said == [([], 4321)],
              "0: the server repeats our code", (done, s.said))


@case(25)
def usage(tap):
    for args, why in [
            ((), "which URL?"), (("a", "b"), "one URL"),
            (("--nonsense", "u"), "no option --nonsense"),
            (("-y", "u"), "no option -y"), (("-n",), "wants an argument"),
            (("-n", "0", "u"), "no number"), (("-n", "x", "u"), "no number"),
            (("--timeout", "1y", "u"), "no time"),
            (("--ping", "-1", "u"), "no time"),
            (("--max-message", "0x10", "u"), "no size"),
            (("-H", "nonsense", "u"), "no header"),
            (("-u", "me", "u"), "user:password"),
            (("--cookie", "nonsense", "u"), "NAME=VALUE"),
            (("--close", "1006", "u"), "may be sent"),
            (("-z=nonsense", "u"), "takeover"),
            (("-z=takeover,8", "u"), "9 to 15"),
            (("-z=takeover,12x", "u"), "9 to 15"),
            (("-46", "u"), "contradict"),
            (("--cacert", "/no/such/file", "u"), "cannot be read"),
            (("--resolve", "host:80", "u"), "HOST:PORT:ADDRESS"),
            (("ws://h/#fragment",), "fragment"),
            (("ws:/h",), "no \"://\""), (("lisen", "9000"), "is no mode"),
            (("echo", "1", "2"), "one address"),
            (("-H", "Upgrade: x", "ws://127.0.0.1:1/"), "Upgrade")]:
        done = run(*args)
        tap.check(done.code == 1 and done.out == b"" and why in done.err,
                  f"1: {' '.join(args) or 'nothing'}", done)


@case(3)
def what_cannot_be_sent(tap):
    for what, args in (("a file that is not there", ("-f", "/no/such/file")),
                       ("no hexadecimal", ("-b", "--hex", "-m", "xyz"))):
        with Collecting() as s:
            done = run("-1", "-m", "00", *args, "-m", "00", s.url)
        tap.check(done.code == 1 and s.said[0][1] == 1000
                  and len(s.said[0][0]) == 1,
                  f"1: {what} ends it", (done, s.said))
    with Collecting() as s:
        done = run(s.url, given=b"\xff\ngood\n")
    tap.check(done.code == 1 and "UTF-8" in done.err
              and s.said == [(["good"], 1000)],
              "1: a line that is no text is not sent", (done, s.said))


@case(4)
def no_connection(tap):
    done = run(f"ws://127.0.0.1:{free_port()}/")
    tap.check(done.code == 2 and "refused" in done.err,
              "2: nobody listens there", done)
    with Raw(read_request) as s:
        done = run(s.url)
    tap.check(done.code == 2, "2: the server hangs up on the request", done)
    with Raw(answer("HTTP/1.1 403 No", "Content-Length: 0")) as s:
        done = run("-x", f"http://127.0.0.1:{s.port}", "ws://elsewhere.test/")
    tap.check(done.code == 2 and "403" in done.err
              and s.result.startswith("CONNECT elsewhere.test:80 "),
              "2: the proxy refuses", (done, s.result))
    done = run("--unix", "/no/such/socket", "ws://h/")
    tap.check(done.code == 2, "2: no such local socket", done)


@case(5)
def tls(tap):
    with tempfile.TemporaryDirectory() as folder:
        cert = make_certificate(pathlib.Path(folder), "server",
                                "DNS:localhost")
        with Secure(echo, cert) as s:
            done = run(s.url, "-m", "x")
        tap.check(done.code == 3 and "self-signed" in done.err,
                  "3: nobody vouches for the server", done)
        with Secure(echo, cert) as s:
            done = run("--cacert", cert, f"wss://127.0.0.1:{s.port}/")
        tap.check(done.code == 3 and "mismatch" in done.err,
                  "3: it is another host's certificate", done)
        with Secure(echo, cert) as s:
            done = run("--cacert", cert, s.url, given=b"x\n")
        tap.check((done.code, done.out) == (0, b"x\n"),
                  "--cacert: who trusts it is served", done)
        with Secure(echo, cert) as s:
            done = run("-k", s.url, given=b"x\n")
        tap.check((done.code, done.out) == (0, b"x\n")
                  and "NOT VERIFIED" in done.err,
                  "-k trusts anybody, and says so", done)
        ours = make_certificate(pathlib.Path(folder), "client", "DNS:client")
        with Secure(echo, cert, ca=ours) as s:
            done = run("--cacert", cert, "--cert", ours, "--key",
                       ours.with_suffix(".key"), s.url, given=b"x\n")
        tap.check((done.code, done.out) == (0, b"x\n"),
                  "--cert and --key: the server knows us", done)


@case(3)
def refused(tap):
    for status in ("403 Forbidden", "404 Not Found", "302 Found"):
        with Raw(answer(f"HTTP/1.1 {status}", "Content-Length: 0")) as s:
            done = run(s.url, given=b"never sent\n")
        tap.check(done.code == 4 and status[:3] in done.err
                  and "never sent" not in s.result,
                  f"4: the server answers {status}", done)


@case(4)
def another_code(tap):
    for code in (1011, 4001):
        with Scripted(end_with(code, "why \x1b[31m")) as s:
            done = run(s.url, given=None)
        tap.check(done.code == 5 and str(code) in done.err
                  and "why " in done.err and "\x1b" not in done.err,
                  f"5: closed with {code}", done)
    with Scripted(lambda connection, _: None) as s:
        done = run(s.url, given=None)
    tap.check(done.code == 5, "5: gone without a close frame", done)
    with Scripted(end_with(1008)) as s:
        done = run("--json", s.url, given=None)
    tap.check(done.code == 5 and b'"code":1008' in done.out
              and done.out.endswith(b',"status":5}\n'),
              "5: --json has it, too", done)


def silence(sock):
    """Takes what comes until the other end hangs up."""
    while sock.recv(65536):
        pass


def keep_silent(connection, _target):
    silence(connection.sock)


def left_alone(given):
    """In silence, with a time in which even a busy machine shakes hands."""
    for ms in 100, 400, 1600, 6400:
        with Scripted(keep_silent) as s:
            done = run("--timeout", f"{ms}ms", s.url, given=given)
        if "handshake" not in done.err:
            break
    return done


@case(4)
def timeouts(tap):
    with Raw(silence) as s:
        done = run("--timeout", "100ms", s.url)
    tap.check(done.code == 6, "6: no answer to the handshake", done)
    done = left_alone(given=None)
    tap.check(done.code == 6 and "nothing came" in done.err,
              "6: no message", done)
    done = left_alone(given=b"")
    tap.check(done.code == 6 and "no answer to the close" in done.err,
              "6: no answer to the close", done)
    with Scripted(keep_silent) as s:
        done = run("--ping", "100ms", s.url, given=None)
    tap.check(done.code == 6, "6: no answer to a ping", done)


@case(2)
def round_trips(tap):
    def count_pings(connection, _target):
        for _ in range(3):
            while (got := connection.receive_frame())[0] != PING:
                pass
            connection.send_frame(PONG, got[1])
        connection.send_frame(CLOSE, close_frame(1000))
        messages_until_end(connection)

    with Scripted(count_pings) as s:
        done = run("--rtt", "50ms", s.url, given=None)
    tap.check(done.code == 0 and done.out == b""
              and len(re.findall(r"pong: [0-9.]+ ms\n", done.err)) == 3,
              "--rtt: says how long each answer took", done)
    with Scripted(count_pings) as s:
        done = run("--rtt", "50ms", "--json", s.url, given=None)
    tap.check(done.out.count(b'"event":"pong"') == 3
              and done.out.count(b'"ms":') == 3, "--rtt: as JSON, too", done)


def send_raw(data):
    def talk(connection, _target):
        connection.sock.sendall(data)
        silence(connection.sock)
    return talk


@case(5)
def protocol(tap):
    for what, data in [("a masked frame", frame(1, b"x", True, True)),
                       ("a reserved bit", frame(0x41, b"x", True, False)),
                       ("text that is none", frame(1, b"\xff", True, False))]:
        with Scripted(send_raw(data)) as s:
            done = run(s.url, given=None)
        tap.check(done.code == 7, f"7: {what}", done)
    with Raw(answer("SMTP at your service")) as s:
        done = run(s.url)
    tap.check(done.code == 7, "7: it does not speak HTTP", done)
    with Raw(answer("HTTP/1.1 101 Yes", "Upgrade: websocket",
                    "Connection: Upgrade",
                    f"Sec-WebSocket-Accept: {accept_key('x')}")) as s:
        done = run(s.url)
    tap.check(done.code == 7, "7: it accepts another key", done)


@case(6)
def signals(tap):
    for number, times in ((signal.SIGINT, 1), (signal.SIGTERM, 1),
                          (signal.SIGINT, 2)):
        ready = threading.Event()

        def hear_first(connection, _target):
            connection.send_frame(PING, b"")
            connection.receive_frame()
            ready.set()

        with Collecting(hear_first) as s, started(s.url) as process:
            ready.wait(PATIENCE)
            for _ in range(times):  # two as timeout(1) sends them
                process.send_signal(number)
            code = process.wait(PATIENCE)
        tap.check(code == 0 and s.said == [([], 1000)],
                  f"{number.name} closes, {times} at once", (code, s.said))

    received = []

    def ignore(connection, _target):
        connection.send_frame(PING, b"")
        while True:
            opcode, _ = connection.receive_frame()
            received.append(opcode)
            if opcode == CLOSE:
                closing.set()

    def ignoring(connection, target):
        try:
            ignore(connection, target)
        except Ended:
            pass

    closing = threading.Event()
    with Scripted(ignoring) as s, started(s.url) as process:
        wait_until(lambda: received)  # the pong
        process.send_signal(signal.SIGINT)
        closing.wait(PATIENCE)
        tap.check(process.poll() is None, "SIGINT waits for the answer")
        interrupt(process)
        code = process.wait(PATIENCE)
    tap.check(code == -signal.SIGINT, "a second SIGINT does not", code)

    asked = threading.Event()

    def ask(sock):
        read_request(sock)
        asked.set()
        silence(sock)

    with Raw(ask) as s, started(s.url) as process:
        asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)
    tap.check(code == 130, "SIGINT ends a handshake", code)


def close_late(said):
    def talk(connection, _target):
        opcode, data = connection.receive_frame()
        said.append((opcode, data))
        connection.send("one more")
        connection.send_frame(CLOSE, data)
    return talk


@case(2)
def end_of_input(tap):
    said = []
    with Scripted(close_late(said)) as s:
        done = run(s.url)
    tap.check(said == [(CLOSE, close_frame(1000))]
              and (done.code, done.out) == (0, b"one more\n"),
              "the end of the input sends 1000 and waits", (said, done))
    opcodes = set()

    def look_for_a_close(connection, _target):
        for _ in range(50):
            connection.send_frame(PING, b"")
            opcodes.add(connection.receive_frame()[0])

    with Collecting(look_for_a_close) as s:
        done = run("-E", "--timeout", "1s", s.url)
    tap.check(done.code == 6 and opcodes == {PONG},
              "-E does not close at the end of the input", (done, opcodes))


@case(2)
def closed_output(tap):
    for what, says in (("notices", False), ("is told by the next message",
                                            True)):
        ready = threading.Event()

        def talk(connection, _target):
            connection.send("first")
            ready.wait(PATIENCE)
            if says:
                connection.send("second")

        stdin = open_pipe()
        with Collecting(talk) as s:
            process = subprocess.Popen(command(s.url), stdin=stdin,
                                       stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            process.stdout.readline()
            process.stdout.close()
            ready.set()
            code, err = process.wait(PATIENCE), process.stderr.read()
            process.stderr.close()
        tap.check((code, err) == (0, b"") and s.said == [([], 1000)],
                  f"a closed output ends it: it {what}", (code, err, s.said))

