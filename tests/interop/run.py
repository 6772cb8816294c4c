#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py go|python|node BUILD_DIR SERVER_EXE CLIENT_EXE

Lets another implementation talk to ours, as server and as client, plain and
compressed, with and without context takeover, through a relay that looks at the
frames; then all of it over TLS, where each verifies the other.  Prints TAP.
"""

import collections
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays clean

from peers import peer_command, run_client, start_peer  # noqa: E402
from harness import (  # noqa: E402
    PATIENCE, Tap, make_certificate, start_server, stop)
from relay import Recorder, Relay, TlsRecorder  # noqa: E402

SIZES = (0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, 1 << 20)
CASES = [
    "compression as asked",
    *(f"{kind} of {n} bytes" for n in SIZES for kind in ("text", "binary")),
    "text of many-byte characters",
    "the same again",
    "the same far behind",
    "ping",
    "fragments",
    "close",
]


# What we are; how many bits the windows that we keep have at most (0: we keep
# none; None: nothing is compressed); the terms that the peer names; some that
# the answer must have; and the ways in which windows are then kept.
Meeting = collections.namedtuple("Meeting", "role bits terms agreed kept")

TO_SERVER, TO_CLIENT = "to_server", "to_client"
NEVER = {"server_no_context_takeover", "client_no_context_takeover"}
BOTH = {TO_SERVER, TO_CLIENT}

WITHOUT_TAKEOVER = [
    Meeting("client", None, None, set(), set()),
    Meeting("server", None, None, set(), set()),
    Meeting("client", 0, [], NEVER, set()),
    Meeting("server", 0, [], NEVER, set()),
]
WITH_TAKEOVER = [
    Meeting("client", 15, [], set(), BOTH),
    Meeting("client", 11, [], {"server_max_window_bits=11"}, BOTH),
    Meeting("client", 15,
            ["server_max_window_bits=10", "client_max_window_bits=9"],
            {"server_max_window_bits=10", "client_max_window_bits=9"}, BOTH),
    Meeting("client", 9,
            ["server_max_window_bits=9", "client_max_window_bits=9"],
            {"server_max_window_bits=9", "client_max_window_bits=9"}, BOTH),
    Meeting("client", 15, ["server_no_context_takeover"],
            {"server_no_context_takeover"}, {TO_SERVER}),
    Meeting("client", 15, ["client_no_context_takeover"],
            {"client_no_context_takeover"}, {TO_CLIENT}),
    Meeting("server", 15, [], set(), BOTH),
    Meeting("server", 9, [],
            {"server_max_window_bits=9", "client_max_window_bits=9"}, BOTH),
    Meeting("server", 15,
            ["server_max_window_bits=10", "client_max_window_bits=12"],
            {"server_max_window_bits=10", "client_max_window_bits=12"}, BOTH),
    Meeting("server", 11,
            ["server_max_window_bits=13", "client_max_window_bits=10"],
            {"server_max_window_bits=11", "client_max_window_bits=10"}, BOTH),
    Meeting("server", 15, ["server_no_context_takeover"],
            {"server_no_context_takeover"}, {TO_SERVER}),
    Meeting("server", 15, ["client_no_context_takeover"],
            {"client_no_context_takeover"}, {TO_CLIENT}),
]
MEETINGS = {
    "go": WITHOUT_TAKEOVER,  # gorilla keeps no windows
    "node": WITHOUT_TAKEOVER + WITH_TAKEOVER,
    "python": WITHOUT_TAKEOVER + WITH_TAKEOVER,
}


# ---- Cases ------------------------------------------------------------------


def check_cases(tap, prefix, output):
    """One line of the client's for each case, in their order."""
    lines = output.splitlines()
    for i, name in enumerate(CASES):
        line = lines[i] if i < len(lines) else "nothing"
        tap.check(line == f"ok {name}", f"{prefix}: {name}",
                  f"expected \"ok {name}\", got: {line}")
    tap.check(len(lines) == len(CASES), f"{prefix}: {len(CASES)} cases ran",
              f"{len(lines)} did")


def check_windows(tap, prefix, relay, meeting):
    """What was agreed, which windows were kept, and that no message of ours
    ends the stream, as far as a relay can tell."""
    got = relay.to_client.extensions()
    want = ({"permessage-deflate"} | meeting.agreed
            if meeting.terms is not None else set())
    tap.check(len(got) <= 1 and want <= set().union(*got)
              and (want or not got), f"{prefix}: the terms", got)
    for way in (TO_SERVER, TO_CLIENT):
        n, want = getattr(relay, way).looked_back(), way in meeting.kept
        tap.check(n is want, f"{prefix}: {way.replace('_', ' ')}: the window "
                  f"is {'kept' if want else 'not kept'}", n)
    ours = TO_SERVER if meeting.role == "client" else TO_CLIENT
    n = getattr(relay, ours).in_last_blocks()
    tap.check(n == 0, f"{prefix}: no message of ours is a last block",
              f"{n} begin with one")


def check_frames(tap, prefix, relay, deflate):
    for way in (TO_SERVER, TO_CLIENT):
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


def check_records(tap, prefix, relay, deflate):
    """As far as a relay can tell: texts shrink to next to nothing, and of the
    rest there is this much."""
    for way in (TO_SERVER, TO_CLIENT):
        seen = getattr(relay, way)
        where = f"{prefix}: {way.replace('_', ' ')}"
        tap.check(seen.only_tls(), f"{where}: TLS from beginning to end",
                  f"records of the types {seen.types}")
        tap.check((seen.count < 1.5 * sum(SIZES)) == deflate,
                  f"{where}: {'less' if deflate else 'no less'} than was said",
                  f"{seen.count} bytes")


CHECKS = len(CASES) + 13
CHECKS_TLS = len(CASES) + 6


def name_of(peer, meeting, cert):
    who = (f"our client, {peer} server" if meeting.role == "client"
           else f"{peer} client, our server")
    if cert:
        who += ", TLS"
    if meeting.bits is None:
        return f"{who}, plain"
    return " ".join([f"{who}, deflate {meeting.bits}", *meeting.terms])


def start(meeting, command, server_exe, cert, terms):
    """The server of a meeting, theirs or ours.  Returns it, and its port."""
    tls = ["--tls", cert, cert.with_suffix(".key")] if cert else []
    if meeting.role == "client":
        return start_peer([*command, "server", *tls, *terms])
    option = ([] if meeting.bits is None else
              ["--deflate", "--takeover", str(meeting.bits)])
    return start_server(
        lambda port: [server_exe, *tls, *option, str(port)])


def run_other_side(meeting, command, client_exe, cert, terms, port):
    """The client, ours or theirs.  Returns what it says."""
    url = f"{'wss' if cert else 'ws'}://127.0.0.1:{port}/"
    ca = ["--ca", cert] if cert else []
    if meeting.role == "server":
        return run_client([*command, "client", url, *ca, *terms])
    option = [] if meeting.bits is None else ["--deflate", str(meeting.bits)]
    return run_client([client_exe, url, *ca, *option])


def meet(tap, peer, meeting, cert, command, ours):
    server_exe, client_exe = ours
    prefix = name_of(peer, meeting, cert)
    deflate = meeting.terms is not None
    terms = ["--deflate", *meeting.terms] if deflate else []

    process, port = start(meeting, command, server_exe, cert, terms)
    relay = Relay(port, TlsRecorder if cert else Recorder)
    output = run_other_side(meeting, command, client_exe, cert, terms,
                            relay.port)
    relay.join(PATIENCE)
    check_cases(tap, prefix, output)
    if cert:
        check_records(tap, prefix, relay, deflate)
    else:
        check_frames(tap, prefix, relay, deflate)
        check_windows(tap, prefix, relay, meeting)
    code = stop(process)
    # What ends by a signal is the peer's business.
    tap.check(code == 0 or meeting.role == "client",
              f"{prefix}: SIGTERM ends the server", code)


def main(peer, build, *ours):
    meetings = MEETINGS[peer]
    tap = Tap(len(meetings) * (CHECKS + CHECKS_TLS))
    try:
        command = peer_command(peer, build)
    except FileNotFoundError as error:
        tap.check(False, f"{peer} is there", error)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        cert = make_certificate(pathlib.Path(folder), "interop",
                                "IP:127.0.0.1")
        for over in (None, cert):
            for meeting in meetings:
                meet(tap, peer, meeting, over, command, ours)
    return tap.done()


if len(sys.argv) != 5:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
