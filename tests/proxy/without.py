#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""without.py BEHIND_EXE DOCS

What a page gets when a line is missing in the configuration of a proxy that
DOCS shows: as docs/trouble.md says.  Prints TAP."""

import contextlib
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
from reverse import KINDS, Case, Tap, refused_with  # noqa: E402

# (proxy, what is missing, a pattern of it, the status that follows)
CASES = (
    ("nginx", "proxy_http_version", r".*proxy_http_version.*\n", "426"),
    ("nginx", "Upgrade", r".*proxy_set_header Upgrade .*\n", "426"),
    ("nginx", "Connection", r".*proxy_set_header Connection .*\n", "400"),
    ("nginx", "Upgrade and Connection",
     r".*proxy_set_header (Upgrade|Connection) .*\n", "400"),
    ("nginx", "X-Forwarded-Host", r".*X-Forwarded-Host.*\n", "403"),
    ("apache", "upgrade=websocket", r" upgrade=websocket", "400"),
    ("haproxy", "X-Forwarded-Host", r".*X-Forwarded-Host.*\n", "101"),
    ("haproxy", "X-Forwarded-Proto", r".*X-Forwarded-Proto.*\n", "101"),
)


def main(exe, docs):
    tap = Tap(len(CASES))
    for proxy, missing, pattern, status in CASES:
        with contextlib.ExitStack() as stack:
            case = Case(tap, KINDS[proxy], os.path.abspath(exe), docs, stack,
                        pattern)
            got = refused_with(case.client)
            tap.check(got == status, f"{proxy} without {missing}: {status}",
                      got)
    return tap.done()


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
