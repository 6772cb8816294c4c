#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compression.py PROGRAM DOCS [RUNS]: runs bench_compression so many times (3),
and writes the medians into DOCS/compression.md, and DOCS/compression-cpu.svg,
-bytes.svg and -memory.svg."""

import collections
import pathlib
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # the source tree stays clean

from charts import chart  # noqa: E402
from report import table  # noqa: E402

BEGIN = "<!-- From here on written by tests/bench/compression.py. -->\n"
END = "<!-- To here. -->\n"
SHOWN = {"off": "not compressed", "0": "no takeover", "9": "9 bits",
         "11": "11 bits", "12": "12 bits", "15": "15 bits"}


def measured(program, runs):
    """{(mode, size): figures}, {mode: bytes of memory}: medians."""
    times, memory = (collections.defaultdict(list) for _ in range(2))
    for _ in range(runs):
        printed = subprocess.run([program], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
        for mode, size, *figures in map(str.split, printed.splitlines()):
            if size == "memory":
                memory[mode].append(int(figures[0]))
            else:
                times[mode, int(size)].append([int(one) for one in figures])
    return ({key: [statistics.median(one) for one in zip(*runs_)]
             for key, runs_ in times.items()},
            {mode: statistics.median(one) for mode, one in memory.items()})


def size_name(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def mode_name(mode):
    return SHOWN.get(mode, f"{mode} bits")


def by_size(times, column, show):
    sizes = sorted({size for _, size in times})
    return table(["", *map(size_name, sizes)],
                 ([name, *(show(times[mode, size][column]) for size in sizes)]
                  for mode, name in SHOWN.items()))


def us(ns):
    return f"{ns / 1000:.3g}"


def kib(both):
    """Of one end."""
    return both / 2 / 1024


def section(times, memory):
    yield "Bytes of a message, as it is sent:\n"
    yield from by_size(times, 0, lambda n: f"{n:.0f}")
    yield "CPU time to write it, in microseconds:\n"
    yield from by_size(times, 1, us)
    yield "and to read it:\n"
    yield from by_size(times, 2, us)
    yield "Memory of a connection that waits for its next message:\n"
    yield from table(["", *map(mode_name, memory)],
                     [["KiB", *(f"{kib(both):.3g}"
                                for both in memory.values())]])


def draw(docs, times, memory):
    def panels(column, show):
        return [(size_name(size), [(name, times[mode, size][column],
                                    show(times[mode, size][column]))
                                   for mode, name in SHOWN.items()])
                for size in (256, 1024, 4096, 65536)]

    chart(docs / "compression-bytes.svg", panels(0, lambda n: f"{n:.0f} B"))
    chart(docs / "compression-cpu.svg", panels(1, lambda ns: f"{us(ns)} µs"))
    chart(docs / "compression-memory.svg",
          [("a connection, both directions, KiB",
            [(mode_name(mode), kib(both), f"{kib(both):.3g}")
             for mode, both in memory.items()])])


def main(program, docs, runs="3"):
    docs = pathlib.Path(docs)
    times, memory = measured(program, int(runs))
    draw(docs, times, memory)
    page = docs / "compression.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, behind = rest.partition(END)
    page.write_text(before + BEGIN + "\n" +
                    "\n".join(section(times, memory)) + "\n" + END + behind)


if not 3 <= len(sys.argv) <= 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
