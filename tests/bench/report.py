# SPDX-License-Identifier: MIT
"""From the results: medians, docs/benchmarks.md and its charts."""

import collections
import datetime
import json
import os
import pathlib
import statistics
import subprocess

from charts import chart
from prose import CLIENTS, COMPRESSION, HEAD, HOW, IO_URING
from rows import ROWS
from servers import LIMIT, LIMIT_AGAIN, say

QUIET = 0.10  # of a core that others may use during a run


# ---- Reading ----------------------------------------------------------------


def first_line(*command):
    try:
        return subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              check=False).stdout.splitlines()[0]
    except (OSError, IndexError):
        return None


def about_machine():
    cpu = [line.partition(":")[2].strip()
           for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
           if line.startswith("model name")]
    return [f"{len(cpu) or os.cpu_count()} × {cpu[0] if cpu else 'CPU'}",
            f"Linux {os.uname().release}",
            *filter(None, (first_line("cc", "--version"),
                           first_line("go", "version"),
                           first_line("rustc", "--version"),
                           first_line("openssl", "version"))),
            datetime.date.today().isoformat()]


class Results:
    def __init__(self, path):
        lines = [json.loads(line)
                 for line in path.read_text(encoding="utf-8").splitlines()]
        self.about = lines[0]
        self.servers = list(self.about["versions"])
        self.good = collections.defaultdict(list)
        self.errors = {}
        for line in lines[1:]:
            key = line["row"], line["server"]
            if "error" in line:
                self.errors[key] = line["error"]
            else:
                self.good[key].append(line)
        # Figures of a server that also failed would flatter it.
        for key in self.errors:
            self.good.pop(key, None)

    def rows(self, kind):
        return [row for row in ROWS.values() if row.kind == kind
                and any(name == row.name for name, _ in self.good)]

    def ran(self, row):
        return [s for s in self.servers if (row.name, s) in self.good]

    def all(self, row, server, figure):
        return [run[figure] for run in self.good.get((row.name, server), [])]

    def median(self, row, server, figure):
        return statistics.median(self.all(row, server, figure))

    def limits(self, row):
        """What a message takes there, by the run: at its begin and end."""
        limits = collections.defaultdict(list)
        for limit in LIMIT, LIMIT_AGAIN:
            for run in self.good.get((row.name, limit), []):
                limits[run["run"]].append(run["cpu_us"])
        return {run: statistics.mean(both) for run, both in limits.items()}

    def ratio(self, row, server):
        """To the limit in the same run, since a machine that others use, too,
        is not of one speed for long; None if they did not run."""
        limits = self.limits(row)
        ratios = [run["cpu_us"] / limits[run["run"]]
                  for run in self.good.get((row.name, server), [])
                  if run["run"] in limits]
        return statistics.median(ratios) if ratios else None

    def disturbed(self):
        """How many runs others disturbed, of how many."""
        runs = [run for runs in self.good.values() for run in runs]
        return (sum(run.get("others_busy", 0) > QUIET for run in runs),
                len(runs))

    def noise(self, row):
        first, again = self.ratio(row, LIMIT), self.ratio(row, LIMIT_AGAIN)
        return abs(again - first) if first and again else 0


# ---- Writing ----------------------------------------------------------------


def table_line(cells):
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def table(head, lines, align="---:|"):
    """Markdown; align is for all columns but the first."""
    yield table_line(head)
    yield f"|---|{align * (len(head) - 1)}"
    yield from map(table_line, lines)
    yield ""


def digits(value):
    """Three that mean something."""
    return f"{value:.{3 if value < 1 else 2 if value < 10 else 1}f}"


def spread(results, row, server, figure):
    values = results.all(row, server, figure)
    return (f"{digits(statistics.median(values))} "
            f"({digits(min(values))}–{digits(max(values))})")


def ratio_cell(results, row, server):
    ratio = results.ratio(row, server)
    if ratio:
        return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}"
    return "failed" if (row.name, server) in results.errors else "–"


def ratio_table(results, rows):
    servers = [s for s in results.servers
               if any((row.name, s) in results.good or
                      (row.name, s) in results.errors for row in rows)]
    yield from table(
        ["CPU per message / limit", *(row.name for row in rows)],
        ([server, *(ratio_cell(results, row, server) for row in rows)]
         for server in servers))
    yield from table(["row", "what"],
                     ([row.name, row.title] for row in rows), "---|")


def is_packed(row):
    return row.kind == "server" and "--deflate" in row.server_flags


def echo_line(results, row, server):
    def middle(figure):
        return results.median(row, server, figure)

    line = [server, ratio_cell(results, row, server),
            spread(results, row, server, "cpu_us"),
            f"{middle('per_second'):,.0f}", f"{middle('p50_us'):,.0f}",
            f"{middle('p99_us'):,.0f}",
            *([] if row.client else [f"{middle('server_busy'):.2f}"]),
            f"{middle('client_busy'):.2f}", f"{middle('rss_kib') / 1024:.1f}"]
    if is_packed(row):
        line += [f"{middle('answer_bytes'):.0f}", f"{middle('plain'):.0f}"]
    return line


def section_head(row):
    yield f"### {row.name}: {row.title}"
    yield ""
    yield f"`{row.command}`"
    yield ""


def echo_section(results, row):
    head = ["server", "ratio", f"CPU µs / {row.unit}", f"{row.units}/s",
            "p50 µs", "p99 µs",
            *(["client busy"] if row.client else ["server busy", "load busy"]),
            "RSS MiB"]
    if is_packed(row):
        head += ["answer bytes", "uncompressed"]
    servers = sorted(results.ran(row),
                     key=lambda s: results.median(row, s, "cpu_us"))
    yield from section_head(row)
    yield from table(head, (echo_line(results, row, s) for s in servers))


def idle_section(results, row):
    servers = sorted(results.ran(row),
                     key=lambda s: results.median(row, s, "used_bytes"))
    yield from section_head(row)
    yield from table(
        ["server", "bytes each, upgraded", "after a message of 1 KiB each"],
        ([s, f"{results.median(row, s, 'opened_bytes'):,.0f}",
          f"{results.median(row, s, 'used_bytes'):,.0f}"] for s in servers))


def errors_section(results):
    if results.errors:
        yield "### What failed"
        yield ""
        for (row, server), error in results.errors.items():
            yield f"- {row}, {server}: {error.splitlines()[0]}"
        yield ""


def machine_section(about):
    yield "### On what"
    yield ""
    for line in about["about"]:
        yield f"- {line}"
    for name, version in about["versions"].items():
        if version:
            yield f"- {name}: {version}"
    yield ""


def text_of(results):
    echo, clients = results.rows("server"), results.rows("client")
    idle = results.rows("memory")
    about = results.about
    disturbed, all_runs = results.disturbed()
    if echo:
        yield "![CPU time per message](benchmarks-cpu.svg)\n"
        yield from ratio_table(results, echo)
    if any(row.crowded for row in echo):
        yield "![Latency of many connections](benchmarks-p99.svg)\n"
    if clients:
        yield CLIENTS
        yield from ratio_table(results, clients)
    if idle:
        yield ("![Memory of an idle connection](benchmarks-memory.svg)\n")
    yield HOW.format(
        command=f"tests/bench/run.py --runs {about['runs']} "
                f"--seconds {about['seconds']:g}",
        server_cores=", ".join(map(str, about["server_cores"])),
        load_core=", ".join(map(str, about["load_core"])),
        runs=about["runs"], seconds=about["seconds"],
        disturbed=disturbed, all_runs=all_runs)
    yield from machine_section(about)
    yield COMPRESSION
    yield IO_URING
    yield "## All figures\n"
    for row in echo + clients:
        yield from echo_section(results, row)
    for row in idle:
        yield from idle_section(results, row)
    yield from errors_section(results)


def cpu_panels(results, kind):
    for row in results.rows(kind):
        bars = [(s, results.ratio(row, s),
                 f"{ratio_cell(results, row, s)} · "
                 f"{digits(results.median(row, s, 'cpu_us'))} µs")
                for s in results.ran(row)
                if s != LIMIT_AGAIN and results.ratio(row, s)]
        if bars:
            yield f"{row.name}: {row.title}", bars


def latency_panels(results):
    for row in results.rows("server"):
        if row.crowded:
            yield (f"{row.name}: {row.title}, 99 of 100 answers within",
                   [(s, results.median(row, s, "p99_us"),
                     f"{results.median(row, s, 'p99_us') / 1000:.0f} ms")
                    for s in results.ran(row) if s != LIMIT_AGAIN])


def memory_panels(results):
    for row in results.rows("memory"):
        yield (f"{row.name}: {row.title}",
               [(s, max(results.median(row, s, "used_bytes"), 0),
                 f"{results.median(row, s, 'used_bytes') / 1024:.1f} KiB")
                for s in results.ran(row) if s != LIMIT_AGAIN])


def is_compressed(results, row, server):
    """Whether all answers were, and no worse than gorilla does it."""
    if not is_packed(row):
        return True
    most = (results.median(row, "gorilla", "answer_bytes")
            if "gorilla" in results.ran(row) else float("inf"))
    return (max(results.all(row, server, "plain")) == 0 and
            results.median(row, server, "answer_bytes") <= most)


def tell_goals(results):
    for row in results.rows("server") + results.rows("client"):
        for server in results.ran(row):
            ratio = results.ratio(row, server)
            if row.goal and ratio and server.startswith("silverback"):
                most = row.goal + results.noise(row)
                met = ratio <= most and is_compressed(results, row, server)
                say(f"{row.name} {server}: {ratio:.3f}, "
                    f"{'met' if met else 'NOT met'}: {row.goal} "
                    f"and the noise of {results.noise(row):.3f}")


def write(path, docs):
    results = Results(path)
    docs.mkdir(exist_ok=True)
    body = "\n".join(text_of(results))
    (docs / "benchmarks.md").write_text(HEAD + body.rstrip() + "\n",
                                        encoding="utf-8")
    for name, panels, mark in (("cpu", cpu_panels(results, "server"), 1),
                               ("client", cpu_panels(results, "client"), 1),
                               ("p99", latency_panels(results), 0),
                               ("memory", memory_panels(results), 0)):
        if panels := list(panels):
            chart(docs / f"benchmarks-{name}.svg", panels, mark)
    tell_goals(results)
    say(f"wrote {docs / 'benchmarks.md'}")
