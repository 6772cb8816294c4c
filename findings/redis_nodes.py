# SPDX-License-Identifier: MIT
"""Redis servers for the scripts beside it: started, asked by redis-cli, and
ended with the program."""

import atexit
import os
import subprocess
import time
from raw import PATIENCE, free_port

servers = []


def until(seen, seconds=PATIENCE):
    """What seen() gives as soon as it is true; False if it never is."""
    for _ in range(seconds * 10):
        if value := seen():
            return value
        time.sleep(0.1)
    return False


def ask(port, *command):
    """What redis-cli prints for it."""
    return subprocess.run(["redis-cli", "-p", str(port), *map(str, command)],
                          capture_output=True, text=True).stdout.strip()


def info(port, name):
    for line in ask(port, "info").splitlines():
        if line.startswith(name + ":"):
            return line.split(":")[1].strip()
    return None


def start(*options, port=None):
    """A server that answers: its port; with a port one with the data of that."""
    port = port or free_port()
    os.makedirs(f"{port}.d", exist_ok=True)
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--dir", f"{port}.d", "--bind",
         "127.0.0.1", "--save", "", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    servers.append((port, server))
    if not until(lambda: ask(port, "ping") == "PONG"):
        raise SystemExit(77)
    return port


def stop(port):
    for number, server in servers:
        if number == port:
            server.kill()
            server.wait()


@atexit.register
def stop_all():
    for _, server in servers:
        server.kill()
        server.wait()
