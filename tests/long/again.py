#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""again.py RUNS [COMMAND...]: all tests of the folder build RUNS times, while
something else keeps all processors busy: these commands of the shell, each begun
again when it ends, or without any a loop that does nothing on each processor.

Prints a line a run, with what failed or was skipped; what the tests of such a
run printed is kept in build/again.  Fails when a run did."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TREE / "build"
LOGS = BUILD / "meson-logs"
KEPT = BUILD / "again"
README = "--no-suite firefox --no-suite webkit --no-suite guard"
EMPTY_LOOP = "while :; do :; done"

# As in .ci/run, as is README: most tests wait more than they work.
os.environ.setdefault("MESON_TESTTHREADS", str(2 * os.cpu_count()))


def begin(command):
    """In a session of its own, as each test is: it has as much time as one where
    the kernel shares that out by sessions, and ends as one."""
    return subprocess.Popen(
        ["sh", "-c", f"while :; do {command}; sleep 0.1; done"],
        cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True)


def end(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def outcome():
    """Whether all passed, and the lines of .ci/sum; its last is how many did."""
    summed = subprocess.run(
        [TREE / ".ci" / "sum", f"build={README}"], cwd=TREE, check=False,
        env={**os.environ, "CI": "true"}, stdout=subprocess.PIPE, text=True)
    return summed.returncode == 0, summed.stdout.splitlines()


def busy():
    """The processors' seconds so far: spent on anything, and in all."""
    user, nice, system, idle, wait, *others = map(
        int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    spent = user + nice + system + sum(others)
    return spent, spent + idle + wait


def run(number):
    """Whether all passed; says so."""
    (LOGS / "testlog.junit.xml").unlink(missing_ok=True)
    began, before = time.monotonic(), busy()
    subprocess.run(["meson", "test", "-C", BUILD], check=False,
                   stdout=subprocess.DEVNULL)
    spent, there = (b - a for a, b in zip(before, busy()))
    passed, lines = outcome()
    print(f"{number}: {lines[-1]}, {time.monotonic() - began:.0f} s, processors "
          f"{100 * spent / there:.0f} % busy", flush=True)
    if not passed:
        print(*lines[:-1], sep="\n", flush=True)
        shutil.copy(LOGS / "testlog.txt", KEPT / f"{number}.txt")
    return passed


def main():
    if len(sys.argv) < 2 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    KEPT.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("again.py: terminated"))
    beside = [begin(c) for c in sys.argv[2:] or [EMPTY_LOOP] * os.cpu_count()]
    try:
        passed = [run(i + 1) for i in range(int(sys.argv[1]))]
    finally:
        for process in beside:
            end(process)
    row = max((len(list(same)) for good, same in itertools.groupby(passed)
               if good), default=0)
    print(f"{sum(passed)} of {len(passed)} passed, {row} in a row")
    return not all(passed)


if __name__ == "__main__":
    sys.exit(main())
