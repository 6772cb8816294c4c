#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py go|python|node BUILD_DIR SERVER_EXE CLIENT_EXE libdeflate|zlib

Lets another implementation talk to ours, as server and as client, plain and
compressed, through a relay that looks at the frames.  Prints TAP.
"""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import PATIENCE, Tap, start_server, stop  # noqa: E402
from relay import Relay  # noqa: E402

HINT = "run tools/setup --tests"

SIZES = (0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, 1 << 20)
CASES = [
    "compression as asked",
    *(f"{kind} of {n} bytes" for n in SIZES for kind in ("text", "binary")),
    "text of many-byte characters",
    "ping",
    "fragments",
    "close",
]


def peer_command(peer, build):
    """The command of a peer; raises FileNotFoundError if it is not there."""
    out = pathlib.Path(build, "interop").resolve()
    command, parts = {
        "go": ([out / "go_peer"], []),
        "python": ([out / "venv/bin/python", HERE / "python_peer.py"],
                   [*out.glob("venv/lib/python*/site-packages/websockets")]
                   or [out / "venv"]),
        "node": ([shutil.which("node") or "node", HERE / "node_peer.js"],
                 [out / "node_modules/ws"]),
    }[peer]
    for part in [*command, *parts]:
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


# ---- Cases ------------------------------------------------------------------


def check_cases(tap, prefix, output):
    """One line of the client's for each case, in their order."""
    lines = output.splitlines()
    for i, name in enumerate(CASES):
        line = lines[i] if i < len(lines) else "nothing"
        tap.check(line == f"ok {name}", f"{prefix}: {name}",
                  f"expected \"ok {name}\", got: {line}")


def check_last_blocks(tap, prefix, relay, ours, wanted):
    """libdeflate is used, as far as a relay can tell."""
    n = getattr(relay, ours).in_last_blocks()
    tap.check((n > 0) == wanted,
              f"{prefix}: {'some' if wanted else 'no'} message of ours is a "
              "last block", f"{n} begin with one")


def check_frames(tap, prefix, relay, deflate):
    for way in ("to_server", "to_client"):
        seen = getattr(relay, way)
        where = f"{prefix}: {way.replace('_', ' ')}"
        n = seen.compressed()
        tap.check((n > 0) == deflate,
                  f"{where}: compressed messages" if deflate
                  else f"{where}: no compressed message",
                  f"{n} data frames with RSV1")
        tap.check(all(f.masked == (way == "to_server") for f in seen.frames),
                  f"{where}: frames masked as they must be")
        tap.check(seen.closes() == [1000], f"{where}: one close, 1000",
                  f"close frames: {seen.closes()}")
    tap.check(relay.to_server.fragmented() > 0,
              f"{prefix}: to server: continuation frames")


CHECKS = len(CASES) + 8


def run_client(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                              timeout=PATIENCE, check=False)
        return done.stdout
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode() + "timeout"


def talk(tap, prefix, server, client, deflate, ours, last_blocks):
    """server is (process, port); client makes a command of a URL; ours is the
    way that our frames go."""
    process, port = server
    relay = Relay(port)
    option = ["--deflate"] if deflate else []
    output = run_client(client(f"ws://127.0.0.1:{relay.port}/") + option)
    relay.join(PATIENCE)
    check_cases(tap, prefix, output)
    check_frames(tap, prefix, relay, deflate)
    check_last_blocks(tap, prefix, relay, ours, last_blocks)
    return stop(process)


def run(tap, peer, command, server_exe, client_exe, compressor):
    for deflate in (False, True):
        option = ["--deflate"] if deflate else []
        how = "deflate" if deflate else "plain"
        last_blocks = deflate and compressor == "libdeflate"

        server = start_peer(command + ["server"] + option)
        talk(tap, f"our client, {peer} server, {how}", server,
             lambda url: [client_exe, url], deflate,
             "to_server", last_blocks)

        server = start_server(
            lambda port: [server_exe, *option, str(port)])
        prefix = f"{peer} client, our server, {how}"
        code = talk(tap, prefix, server,
                    lambda url: command + ["client", url], deflate,
                    "to_client", last_blocks)
        tap.check(code == 0, f"{prefix}: SIGTERM ends the server with 0", code)


def main(peer, build, *ours):
    tap = Tap(4 * CHECKS + 2)
    try:
        command = peer_command(peer, build)
    except FileNotFoundError as error:
        tap.check(False, f"{peer} is there", error)
        return 1
    run(tap, peer, command, *ours)
    return tap.done()


if len(sys.argv) != 6:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
