#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""metrics.py BUILD_DIR SERVER_EXE: a parser of others reads our metrics, and
finds in them what happened.  Prints TAP."""

import json
import pathlib
import re
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True  # the source tree stays clean
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from harness import PATIENCE, Tap, start_server, stop  # noqa: E402
from peers import peer_command, run_client  # noqa: E402

ODD = 'a "name" and a \\ of'


def families_in_header():
    text = (HERE.parents[1] / "include/silverback/stats.h").read_text()
    return dict.fromkeys(re.findall(r'X\(WS_COUNT_\w+, "(\w+)"', text))


def value(families, family, **labels):
    """The sum of the samples that have these labels."""
    return sum(v for f, _, _, samples in families if f == family
               for _, has, v in samples
               if all(has.get(k) == want for k, want in labels.items()))


def check(tap, families, address, odd):
    names = [f for f, _, _, _ in families]
    want = [f"silverback_{f.removesuffix('_total')}"
            for f in families_in_header()]
    tap.check(names == want, "each family is read, once", names)
    tap.check(all((kind == "counter") == any(n.endswith("_total")
                                             for n, _, _ in samples)
                  and kind in ("counter", "gauge")
                  for _, kind, _, samples in families),
              "each has its type")
    tap.check(all(help for _, _, help, _ in families), "each has its words")
    listeners = {labels.get("listener") for _, _, _, samples in families
                 for _, labels, _ in samples}
    tap.check(listeners == {address, odd, ""}, "each listener has its label",
              listeners)
    tap.check(value(families, "silverback_opened", listener=address) == 1,
              "one connection has begun")
    tap.check(value(families, "silverback_closed", listener=address,
                    code="1000") == 1, "and ended, with 1000")
    tap.check(value(families, "silverback_messages", listener=address,
                    direction="in") > 10, "messages have come")
    tap.check(value(families, "silverback_responses", listener=address,
                    code="4xx") == 1, "a request was refused")


def main(build, server_exe):
    tap = Tap(8)
    peer = peer_command("python", build)
    with tempfile.TemporaryDirectory() as folder:
        odd = f"{folder}/{ODD}"
        process, port = start_server(lambda port: [server_exe, str(port), odd])
        try:
            run_client([*peer, "client", f"ws://127.0.0.1:{port}/"])
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics/x",
                                       timeout=PATIENCE)
            except urllib.error.HTTPError:
                pass
            read = run_client([peer[0], HERE / "metrics_reader.py", str(port)])
            check(tap, json.loads(read), f"127.0.0.1:{port}", f"unix:{odd}")
        finally:
            stop(process)
    return tap.done()


sys.exit(main(*sys.argv[1:]))
