#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""orders.py PEER BUILD_DIR SERVER_EXE CLIENT_EXE

Exchanges compressed messages of several sizes with a peer, in every order of
two, with and without context takeover: a peer that thinks that a stream ended
with a message, or that resets less or more than was agreed, loses the next one,
or gets it twice.  Prints TAP.

A peer that is called with "client URL SIZE..." sends a text of each size, when
the one before has come back, and prints for each how many bytes that had; more
than the number, if anything was not as it should be.
"""

import sys

sys.dont_write_bytecode = True  # the source tree stays clean

from peers import peer_command, run_client, start_peer  # noqa: E402
from harness import Tap, start_server, stop  # noqa: E402
from relay import Relay  # noqa: E402

PATIENCE = 20  # seconds

SIZES = [0, 5, 1023, 1024, 5000, 300000]
CLIENTS_ONLY = ["undici"]
SEND_NOTHING_COMPRESSED = ["undici"]


def sizes_for(peer, bits):
    """libwebsockets 4.1.6 cannot send an empty message with takeover."""
    return SIZES[1:] if peer == "libwebsockets" and bits else SIZES


def every_order(sizes):
    """A walk in which each follows each, and itself, once (Hierholzer)."""
    left = {size: list(sizes) for size in sizes}
    path, walk = [sizes[0]], []
    while path:
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            walk.append(path.pop())
    return walk[::-1]


def meet(tap, peer, role, bits, command, server_exe, client_exe):
    walk = every_order(sizes_for(peer, bits))
    if role == "client":
        process, port = start_peer([*command, "server"])
        command = [client_exe, str(bits)]
    else:
        process, port = start_server(
            lambda port: [server_exe, "--deflate", "--takeover", str(bits),
                          str(port)])
        command = [*command, "client"]
    relay = Relay(port)
    output = run_client([*command, f"ws://127.0.0.1:{relay.port}/",
                         *map(str, walk)], PATIENCE)
    relay.join(PATIENCE)
    stop(process)

    prefix = f"our {role}, {peer}, takeover {bits}"
    lines = output.splitlines()
    for i, size in enumerate(walk):
        got = lines[i] if i < len(lines) else "nothing"
        behind = f" behind {walk[i - 1]}" if i > 0 else " first"
        tap.check(got == str(size), f"{prefix}: {size}{behind}", got)
    tap.check(len(lines) == len(walk), f"{prefix}: and no more",
              lines[len(walk):])
    check_frames(tap, prefix, peer, role, relay)


def check_frames(tap, prefix, peer, role, relay):
    ours, theirs = relay.to_client, relay.to_server
    if role == "client":
        ours, theirs = theirs, ours
    tap.check(ours.compressed() > 0, f"{prefix}: our messages are compressed")
    tap.check(ours.in_last_blocks() == 0, f"{prefix}: none is a last block",
              f"{ours.in_last_blocks()} are")
    tap.check((theirs.compressed() > 0) == (peer not in SEND_NOTHING_COMPRESSED),
              f"{prefix}: theirs, too", f"{theirs.compressed()} are")


def main(peer, build, server_exe, client_exe):
    roles = ["server"] if peer in CLIENTS_ONLY else ["server", "client"]
    meetings = [(role, bits) for role in roles for bits in (0, 15)]
    tap = Tap(sum(len(sizes_for(peer, bits)) ** 2 + 5 for _, bits in meetings))
    try:
        command = peer_command(peer, build)
    except FileNotFoundError as error:
        tap.check(False, f"{peer} is there", error)
        return 1
    for role, bits in meetings:
        meet(tap, peer, role, bits, command, server_exe, client_exe)
    return tap.done()


if len(sys.argv) != 5:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
