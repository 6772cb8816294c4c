# SPDX-License-Identifier: MIT
"""echo_tls and its client, with a certificate that make_cert makes."""

import pathlib
import subprocess
import tempfile

from program import Program, Server, case

MAKE_CERT = pathlib.Path(__file__).resolve().parents[2] / "examples/make_cert"
HELLOS = [f"Received from server: Hello {n}" for n in range(10)]


def run(*command):
    with Program(*command) as p:
        return p.ended(), p.lines


@case(4, "echo_tls", "echo_tls_client")
def echo_tls(tap, server, client):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([MAKE_CERT], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)
        cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
        with Server(server, Server.ADDR, cert, key) as s:
            url = f"wss://127.0.0.1:{s.port}/"
            out = run(client, "--ca", cert, url)
            tap.check(out == (0, HELLOS),
                      "echo_tls: ten messages to a client that trusts it", out)
            code, lines = run(client, "-k", url)
            tap.check(code == 0 and lines[-10:] == HELLOS
                      and "NOT VERIFIED" in " ".join(lines),
                      "echo_tls_client: -k trusts anybody, and says so", lines)
            code, lines = run(client, url)
            tap.check(code == 1 and "self-signed certificate" in " ".join(lines),
                      "echo_tls_client: trusts nobody without being told",
                      lines)
            tap.check(s.stop() == 0, "echo_tls: SIGTERM ends it with 0")
