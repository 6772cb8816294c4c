#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mutants.py [--check] [WORD...]

Plants one fault after the other in a copy of the tree, and tells which of them
the tests notice.  The faults stand in mutants.txt; with words, only those whose
name has one of them.  --check only tells whether each can still be planted.

Ends with a table and "N killed of M"; fails when less than 95 % are, or one can
no longer be planted.  Takes some ten seconds a fault."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WANTED = 0.95
TIMEOUT = 300  # seconds that the tests of one fault may take

Mutant = collections.namedtuple("Mutant", "name file tests old new")


def mutants(text):
    """Of paragraphs "== NAME", "FILE: TEST...", then the lines that go (-) and
    those that come (+), with those around them that make the place plain."""
    for paragraph in text.split("\n== ")[1:]:
        name, where, *lines = paragraph.rstrip("\n").split("\n")
        file, _, tests = where.partition(": ")
        lines = [line for line in lines if line]
        yield Mutant(name, file, tests.split(),
                     "".join(line[1:] + "\n" for line in lines
                             if line[0] in "- "),
                     "".join(line[1:] + "\n" for line in lines
                             if line[0] in "+ "))


def planted(root, mutant):
    """The text of its file with the fault in it."""
    path = root / mutant.file
    text = path.read_text() if path.exists() else ""
    found = text.count(mutant.old)
    if found != 1:
        raise ValueError(f"its place is there {found} times")
    return text.replace(mutant.old, mutant.new)


class Copy:
    """The tree as git has it, with the changes that are not committed, and its
    tests built."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        self.build = self.root / "build"
        files = run(["git", "ls-files"], ROOT).stdout.split("\n")
        for file in filter(None, files):
            (self.root / file).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / file).exists():
                shutil.copy(ROOT / file, self.root / file)
        run(["meson", "setup", self.build, "-Dtests=enabled",
             "-Dexamples=disabled", "-Dbench=disabled"], self.root)
        run(["meson", "compile", "-C", self.build], self.root)
        self._tests = json.loads(run(
            ["meson", "introspect", "--tests", self.build], self.root).stdout)

    def verdict(self, mutant):
        """killed, survived, or that it does not compile."""
        path = self.root / mutant.file
        before = path.read_text()
        path.write_text(planted(self.root, mutant))
        try:
            tests = self._of(mutant.tests)
            programs = {os.path.relpath(test["cmd"][0], self.build)
                        for test in tests}
            if run(["ninja", "-C", self.build, *programs], self.root,
                   check=False).returncode != 0:
                return "does not compile"
            names = [test["name"] for test in tests]
            return "survived" if self._pass(names) else "killed"
        finally:
            path.write_text(before)

    def _of(self, modules):
        found = [test for test in self._tests
                 if test["name"].split(" in ")[0] in modules]
        missing = {*modules} - {t["name"].split(" in ")[0] for t in found}
        if missing:
            raise ValueError(f"there is no test {', '.join(missing)}")
        return found

    def _pass(self, names):
        try:
            return run(["meson", "test", "-C", self.build, "--no-rebuild",
                        "--maxfail", "1", *names], self.root, check=False,
                       timeout=TIMEOUT).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def run(command, folder, check=True, timeout=None):
    return subprocess.run(command, cwd=folder, check=check, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


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


def try_all(chosen):
    verdicts = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="silverback-mutants-") as folder:
        copy = Copy(folder)
        for mutant in chosen:
            try:
                verdict = copy.verdict(mutant)
            except ValueError as error:
                verdict = str(error)
            verdicts[verdict] += 1
            print(f"{verdict:9} {mutant.file}: {mutant.name}", flush=True)
    killed = verdicts["killed"]
    print(f"{killed} killed of {len(chosen)}")
    known = verdicts["killed"] + verdicts["survived"] == len(chosen)
    return not known or killed < WANTED * len(chosen)


def main(*words):
    text = (ROOT / "tests/long/mutants.txt").read_text()
    only_check = words[:1] == ("--check",)
    words = words[only_check:]
    chosen = [mutant for mutant in mutants("\n" + text)
              if not words or any(word in mutant.name for word in words)]
    return check(chosen) if only_check else try_all(chosen)


sys.exit(main(*sys.argv[1:]))
