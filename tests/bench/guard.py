#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions that a message takes, and fails when a row takes over
3 % more than it did: than guard.json has it or, where that was written with
other versions of compiler and libraries, than the commit that has written it.

What counts is valgrind, whose processor has always the same features, so that
the vector code that is chosen at run time does not depend on the machine.  It
counts our code and the libraries', and not what the kernel does in a system
call. callgrind_annotate tells by function, of the profiles in the folder that
is printed."""

import argparse
import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import command_of, report  # noqa: E402
from servers import ROOT, build_release, run  # noqa: E402

GROWTH = 0.03
FIGURES = HERE / "guard.json"
LIBRARY_ALONE = "-Dbench=disabled"
SOURCES = ("bench_cast", "guard", "load_fail", "load_frames", "load_request")
LIBRARIES = ("libdeflate", "libisal", "zlib")  # that messages go through


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("commit", nargs="?", help="compare with this one, not the file")
    add("--write", action="store_true", help="write guard.json anew")
    add("--build", type=pathlib.Path, help="of these sources, a release;\n"
        "without it there will be one in build-guard/")
    return parser.parse_args()


# ---- Builds -----------------------------------------------------------------


def build_commit(commit, folder):
    """Returns its sources and its build."""
    commit = run(["git", "-C", ROOT, "rev-parse", "--verify",
                  f"{commit}^{{commit}}"]).strip()
    source = folder / commit / "source"
    if not source.exists():
        source.mkdir(parents=True)
        tar = folder / commit / "source.tar"
        run(["git", "-C", ROOT, "archive", "-o", tar, commit])
        run(["tar", "-xf", tar, "-C", source])
    build_release(source, folder / commit / "build", LIBRARY_ALONE)
    return source, folder / commit / "build"


def about(build, what):
    path = build / "meson-info" / f"intro-{what}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def compiler_of(build):
    target, = (t for t in about(build, "targets")
               if t["name"] == "silverback" and t["type"] == "shared library")
    return target["target_sources"][0]["compiler"]


def versions_of(build):
    """What the counts depend on beside our sources."""
    libraries = {d["name"]: d["version"]
                 for d in about(build, "dependencies")}
    options = {o["name"]: o["value"] for o in about(build, "buildoptions")}
    cpu = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return {
        "build": options["buildtype"],
        "compiler": run([*compiler_of(build), "--version"]).splitlines()[0]
        .partition(" ")[2],
        "processor": os.uname().machine + (" avx2" if " avx2" in cpu else ""),
        "libc": os.confstr("CS_GNU_LIBC_VERSION"),
        "valgrind": run([command_of("valgrind"), "--version"]).strip(),
        **{name: libraries.get(name, "none") for name in LIBRARIES},
    }


# ---- Counts -----------------------------------------------------------------


def make_program(source, build, folder):
    """guard.c as these sources have it, whatever the library's."""
    program, library = folder / "guard", build / "lib"
    run([*compiler_of(build), "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra",
         "-Werror", "-I", source / "include",
         *(HERE / f"{name}.c" for name in SOURCES),
         library / "libsilverback.so", "-lz", f"-Wl,-rpath,{library}", "-o",
         program])
    return program


def count(source, build, folder):
    """Instructions for each message, by row."""
    folder.mkdir(exist_ok=True, parents=True)
    program = make_program(source, build, folder)
    out = folder / "callgrind"
    for old in folder.glob("callgrind*"):
        old.unlink()
    log = run([command_of("valgrind"), "--tool=callgrind",
               "--collect-atstart=no", f"--log-file={folder / 'log'}",
               f"--callgrind-out-file={out}", program],
              env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    messages = dict(line.split("\t") for line in log.splitlines())
    counts = {}
    for path in folder.glob("callgrind.*"):
        text = path.read_text(encoding="utf-8")
        row = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
        total = re.search(r"^totals: (\d+)", text, re.M)
        counts[row[1]] = round(int(total[1]) / int(messages[row[1]]), 1)
        path.rename(out.with_name(f"callgrind {row[1]}"))
    return {row: counts[row] for row in messages}


def growth(row, now, then):
    """The problems of a row."""
    if then is None or now is None:
        return [f"expected the same rows, only {'now' if now else 'then'}: "
                f"guard.py --write"]
    if now <= then * (1 + GROWTH):
        return []
    return [f"expected {then:,} instructions a message and at most "
            f"{GROWTH:.0%} more, got {now:,}, {now / then - 1:+.1%}"]


def compare(now, then, what):
    rows = dict.fromkeys([*now, *then])
    print(f"# a message's instructions, {what}")
    for row in rows:
        if row in now and row in then:
            print(f"# {row:16} {then[row]:10,.0f} {now[row]:10,.0f} "
                  f"{now[row] / then[row] - 1:+7.1%}")
    return report((f"{row} takes no more instructions than it did",
                   growth(row, now.get(row), then.get(row))) for row in rows)


# ---- What to compare with ---------------------------------------------------


def of_commit(commit, folder):
    source, build = build_commit(commit, folder)
    return count(source, build, folder / "then")


def writer():
    """The commit that the file is from."""
    if run(["git", "-C", ROOT, "rev-parse", "--is-shallow-repository"]) \
            .strip() != "false":
        sys.exit("guard.py: the commit that guard.json is from cannot be "
                 "built: the history is cut short (git fetch --unshallow)")
    return run(["git", "-C", ROOT, "log", "-1", "--format=%h", "--",
                FIGURES]).strip() or "HEAD"


def reference(versions, folder):
    """What the counts were, and what that is."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    differing = [f"{name} {versions[name]}, not {kept['with'].get(name)}"
                 for name in versions
                 if versions[name] != kept["with"].get(name)]
    if not differing:
        return kept["instructions"], "as guard.json has them, and now"
    commit = writer()
    print(f"# guard.json does not say: {'; '.join(differing)}: building "
          f"{commit}, which it is from", flush=True)
    return of_commit(commit, folder), f"in {commit}, and now"


def write(versions, now):
    FIGURES.write_text(json.dumps({"with": versions, "instructions": now},
                                  indent=4) + "\n", encoding="utf-8")
    print(f"wrote {FIGURES}")
    return 0


def main():
    options = parse()
    folder = (options.build or ROOT) / "build-guard"
    build = options.build or folder / "build"
    if not options.build:
        build_release(ROOT, build, LIBRARY_ALONE)
    versions = versions_of(build)
    if versions["build"] != "release":
        sys.exit(f"guard.py: expected a build of type release, got "
                 f"{versions['build']}")
    now = count(ROOT, build, folder / "now")
    print(f"# by function: callgrind_annotate '{folder}/now/callgrind b'")
    if options.write:
        return write(versions, now)
    if options.commit:
        then = of_commit(options.commit, folder)
        return compare(now, then, f"in {options.commit}, and now")
    return compare(now, *reference(versions, folder))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:  # what was run has failed
        sys.exit(f"guard.py: {error}")
