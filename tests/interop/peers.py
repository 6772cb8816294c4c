# SPDX-License-Identifier: MIT
"""The other implementations, as setup.sh makes them below BUILD/interop."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import PATIENCE  # noqa: E402

HINT = "run tools/setup --tests"


def peer_command(peer, build):
    """The command of a peer; raises FileNotFoundError if it is not there."""
    out = pathlib.Path(build, "interop").resolve()
    node = shutil.which("node") or "node"
    java = shutil.which("java") or "java"
    command, parts = {
        "coder": ([out / "coder_peer"], []),
        "go": ([out / "go_peer"], []),
        "java": ([java, "-Dslf4j.internal.verbosity=ERROR", "-cp",
                  f"{out}/java/classes:{out}/java/lib/*", "Peer"],
                 [java, out / "java/classes/Peer.class"]),
        "libwebsockets": ([out / "libwebsockets_peer"], []),
        "node": ([node, HERE / "node_peer.js"], [out / "node_modules/ws"]),
        "python": ([out / "venv/bin/python", HERE / "python_peer.py"],
                   [*out.glob("venv/lib/python*/site-packages/websockets")]
                   or [out / "venv"]),
        "undici": ([node, HERE / "undici_peer.js"],
                   [out / "node_modules/undici"]),
        "websocketpp": ([out / "websocketpp_peer"], []),
    }[peer]
    for part in parts or command:
        if not pathlib.Path(part).exists():
            raise FileNotFoundError(f"{part} is missing: {HINT}")
    os.environ["NODE_PATH"] = str(out / "node_modules")
    return list(map(str, command))


def start_peer(command):
    """A server that says at which port it is."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    word, _, port = process.stdout.readline().partition(" ")
    if word != "listening":
        process.kill()
        process.wait()
        raise RuntimeError(f"{command}: no \"listening PORT\"")
    return process, int(port)


def run_client(command, patience=PATIENCE):
    """What it says."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                              timeout=patience, check=False)
        return done.stdout
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode() + "timeout"
