#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: run.py ECHO CLIENT HELLO ECHO_TLS ECHO_TLS_CLIENT MAKE_CERT

Run the examples against each other: what they print, their exit codes, and
what they say when they are told to end."""

import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import PATIENCE, Tap, start_server, stop, wait_until


class Program:
    """A program whose lines are collected as it prints them."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, text=True,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.lines = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def has(self, beginning):
        return wait_until(
            lambda: any(line.startswith(beginning) for line in self.lines))

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self):
        code = self.process.wait(PATIENCE)
        self._reader.join()
        return code


def goodbye_of_the_client(tap, echo, client):
    process, port = start_server(lambda port: [echo, f"127.0.0.1:{port}"])
    c = Program(client, f"ws://127.0.0.1:{port}/echo")
    tap.check(c.has("recv: "), "client: prints what comes back", c.lines)
    tap.check(c.interrupt() == 0, "client: SIGINT ends it with 0", c.lines)
    tap.check(c.lines[-1:] == [
        "read: the peer closed the connection: 1000 (normal)"],
        "client: the server has answered with 1000", c.lines)
    tap.check(stop(process) == 0, "echo: SIGTERM ends it with 0")


def goodbye_of_the_server(tap, echo, client):
    process, port = start_server(lambda port: [echo, f"127.0.0.1:{port}"])
    clients = [Program(client, f"ws://127.0.0.1:{port}/echo")
               for _ in range(3)]
    served = all(c.has("recv: ") for c in clients)
    tap.check(served, "echo: three clients are served")
    tap.check(stop(process) == 0, "echo: ends with 0 while they are connected")
    for c in clients:
        code = c.ended()
        tap.check(code == 0 and c.lines[-1:] == [
            "read: the peer closed the connection: 1001 (going away)"],
            "client: sees 1001, and ends with 0", (code, c.lines))


def page(tap, exe, name):
    process, port = start_server(lambda port: [exe, f"127.0.0.1:{port}"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        html = answer.read().decode()
        tap.check(answer.headers["Content-Type"] == "text/html; charset=utf-8"
                  and "new WebSocket(" in html, f"{name}: serves its page")
    tap.check(stop(process) == 0, f"{name}: SIGTERM ends it with 0")


def nobody_there(tap, client):
    c = Program(client, "ws://127.0.0.1:1/")
    tap.check(c.ended() == 1 and "refused" in " ".join(c.lines),
              "client: says why it cannot connect, and ends with 1", c.lines)
    c = Program(client, "http://127.0.0.1/")
    tap.check(c.ended() == 1 and "neither ws nor wss" in " ".join(c.lines),
              "client: says what is wrong with a URL", c.lines)


def address_taken(tap, echo):
    process, port = start_server(lambda port: [echo, f"127.0.0.1:{port}"])
    other = Program(echo, f"127.0.0.1:{port}")
    tap.check(other.ended() != 0 and "in use" in " ".join(other.lines),
              "echo: says that its address is taken", other.lines)
    stop(process)


def run(*command):
    """What it prints, and its exit code."""
    done = subprocess.run(command, text=True, timeout=PATIENCE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout, done.returncode


def tls(tap, server, client, make_cert):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make_cert], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)
        cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
        process, port = start_server(
            lambda port: [server, f"127.0.0.1:{port}", cert, key])
        url = f"wss://127.0.0.1:{port}/"
        hellos = "".join(f"Received from server: Hello {n}\n"
                         for n in range(10))
        out = run(client, "--ca", cert, url)
        tap.check(out == (hellos, 0),
                  "echo_tls: ten messages to a client that trusts it", out)
        out, code = run(client, "-k", url)
        tap.check(code == 0 and hellos in out and "NOT VERIFIED" in out,
                  "echo_tls_client: -k trusts anybody, and says so", out)
        out, code = run(client, url)
        tap.check(code == 1 and "self-signed certificate" in out,
                  "echo_tls_client: trusts nobody without being told", out)
        tap.check(stop(process) == 0, "echo_tls: SIGTERM ends it with 0")


def main(echo, client, hello, echo_tls, echo_tls_client, make_cert):
    tap = Tap(20)
    goodbye_of_the_client(tap, echo, client)
    goodbye_of_the_server(tap, echo, client)
    page(tap, echo, "echo")
    page(tap, hello, "hello")
    nobody_there(tap, client)
    address_taken(tap, echo)
    tls(tap, echo_tls, echo_tls_client, make_cert)
    return tap.done()


if len(sys.argv) != 7:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
