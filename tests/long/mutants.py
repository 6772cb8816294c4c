#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mutants.py [--check] [--in FOLDER] [WORD...]

Plants one fault after the other in a copy of the tree, and tells which of them
the tests notice.  The faults stand in mutants.txt; with words, only those whose
name or file has one of them.  --check only tells whether each can still be
planted.  Those that only a sanitizer sees have a copy that is built with it.  The
copies are made in a folder of their own, which goes at the end; or in FOLDER,
which stays, and is built sooner the next time.

A line for each tells the first case that failed.  Ends with "N killed of M";
fails when that is less than 95 %, or one could not be planted or built."""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = pathlib.Path(__file__).with_name("mutants.txt")
WANTED = 0.95
TIMEOUT = 60  # seconds that one test program may take

Mutant = collections.namedtuple("Mutant", "name file tests sanitizer old new")


# ---- The table ---------------------------------------------------------------

def mutants(text):
    """Of paragraphs "== NAME", "FILE: TEST...", maybe with "under address" or
    "under thread" behind, then the lines that go (-) and those that come (+), with
    those around them that make the place plain."""
    for paragraph in ("\n" + text).split("\n== ")[1:]:
        name, where, *lines = paragraph.rstrip("\n").split("\n")
        file, _, rest = where.partition(": ")
        tests, _, sanitizer = rest.partition(" under ")
        yield Mutant(name, file, tests.split(), sanitizer or "none",
                     side("- ", lines), side("+ ", lines))


def side(signs, lines):
    return "".join(line[1:] + "\n" for line in lines if line[:1] in signs)


def planted(root, mutant):
    """The text of its file with the fault in it."""
    path = root / mutant.file
    text = path.read_text() if path.exists() else ""
    found = text.count(mutant.old) if mutant.old else 0
    if found != 1 or mutant.old == mutant.new:
        raise ValueError(f"its place is there {found} times")
    return text.replace(mutant.old, mutant.new)


# ---- The tests ---------------------------------------------------------------

class Copy:
    """The tree as git has it, with the changes that are not committed, and the
    tests of those modules built."""

    def __init__(self, folder, sanitizer, modules):
        self.root = pathlib.Path(folder, sanitizer)
        self.build = self.root / "build"
        for file in run(["git", "ls-files"], ROOT).stdout.split():
            self._take(file)
        if not (self.build / "build.ninja").exists():
            run(["meson", "setup", self.build, f"-Db_sanitize={sanitizer}",
                 "-Dtests=enabled", "-Dexamples=disabled", "-Dbench=disabled",
                 "-Dtool=disabled"], self.root)
        run(["ninja", "-C", self.build, "build.ninja"], self.root)
        self.tests = collections.defaultdict(list)
        for test in json.loads(run(
                ["meson", "introspect", "--tests", self.build],
                self.root).stdout):
            self.tests[test["name"].split(" in ")[0]].append(test)
        if not self._make([m for m in modules if m in self.tests]):
            sys.exit("the tests do not build without a fault")

    def _take(self, file):
        here, there = ROOT / file, self.root / file
        if not here.exists():
            there.unlink(missing_ok=True)
        elif not there.exists() or there.read_bytes() != here.read_bytes():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here, there)
            shutil.copymode(here, there)

    def _make(self, modules):
        programs = {os.path.relpath(test["cmd"][0], self.build)
                    for module in modules for test in self.tests[module]}
        return run(["ninja", "-C", self.build, *sorted(programs)], self.root,
                   check=False).returncode == 0

    def failure(self, modules):
        """The first case that fails, or None."""
        for module in modules:
            for test in self.tests[module]:
                case = first_failure(test)
                if case:
                    return f"{test['name']}: {case}"
        return None

    def verdict(self, mutant):
        """Of what becomes of it: a word, and who noticed."""
        missing = [m for m in mutant.tests if m not in self.tests]
        if missing or not mutant.tests:
            return "not tried", "there is no test " + ", ".join(missing)
        path = self.root / mutant.file
        before = path.read_text()
        path.write_text(planted(self.root, mutant))
        try:
            if not self._make(mutant.tests):
                return "not tried", "it does not compile"
            case = self.failure(mutant.tests)
            return ("killed", case) if case else ("survived", "")
        finally:
            path.write_text(before)


def first_failure(test):
    try:
        done = run(test["cmd"], test["workdir"], check=False,
                   timeout=TIMEOUT, env={**os.environ, **test["env"]})
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode == 0:
        return None
    found = re.search(r"^not ok \d+ - (\S+)", done.stdout, re.MULTILINE)
    return found.group(1) if found else f"crashes ({done.returncode})"


def run(command, folder, check=True, timeout=None, env=None):
    done = subprocess.run(command, cwd=folder, text=True, errors="replace",
                          timeout=timeout, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and done.returncode != 0:
        sys.exit(f"{done.stdout}{' '.join(map(str, command))}: it fails")
    return done


# ---- All of them -------------------------------------------------------------

def check(chosen):
    bad = 0
    for mutant in chosen:
        try:
            planted(ROOT, mutant)
        except ValueError as error:
            bad += 1
            print(f"{mutant.file}: {mutant.name}: {error}")
    print(f"{len(chosen) - bad} of {len(chosen)} can be planted")
    return bad != 0


def copies(chosen, folder):
    modules = collections.defaultdict(set)
    for mutant in chosen:
        modules[mutant.sanitizer].update(mutant.tests)
    return {sanitizer: Copy(folder, sanitizer, tests)
            for sanitizer, tests in modules.items()}


def try_all(chosen, folder):
    copy = copies(chosen, folder)
    verdicts = collections.Counter()
    for mutant in chosen:
        try:
            verdict, why = copy[mutant.sanitizer].verdict(mutant)
        except ValueError as error:
            verdict, why = "not tried", str(error)
        verdicts[verdict] += 1
        print(f"{verdict:9} {mutant.file}: {mutant.name}"
              f"{why and f' ({why})'}", flush=True)
    killed = verdicts["killed"]
    print(f"{killed} killed of {len(chosen)}")
    return verdicts["not tried"] > 0 or killed < WANTED * len(chosen)


def main():
    args = argparse.ArgumentParser(usage=__doc__.split("\n")[0])
    args.add_argument("--check", action="store_true")
    args.add_argument("--in", dest="folder")
    args.add_argument("word", nargs="*")
    args = args.parse_args()
    chosen = [mutant for mutant in mutants(TABLE.read_text())
              if not args.word or any(word in mutant.name or word in mutant.file
                                      for word in args.word)]
    if args.check:
        return check(chosen)
    if args.folder:
        return try_all(chosen, args.folder)
    with tempfile.TemporaryDirectory(prefix="silverback-mutants-") as folder:
        return try_all(chosen, folder)


sys.exit(main())
