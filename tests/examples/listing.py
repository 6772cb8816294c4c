# SPDX-License-Identifier: MIT
"""examples/README.md lists the programs, and the tests that run them."""

import pathlib
import re

from program import CASES, case

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST = 99  # lines


@case(4)
def listing(tap):
    text = (ROOT / "examples/README.md").read_text()
    rows = [line.split("|") for line in text.splitlines()
            if line.startswith("|") and "](" in line]
    programs = sorted((ROOT / "examples").glob("*.c"))
    missing = [p.name for p in programs if f"]({p.name})" not in text]
    tap.check(programs and not missing, "every example is listed", missing)
    long = [p.name for p in programs
            if len(p.read_text().splitlines()) > LONGEST]
    tap.check(not long, "none has a hundred lines", long)
    said = {p: tests_of(row[-2]) for row in rows
            for p in re.findall(r"\]\((\w+)\.c\)", row[-3] + row[1])}
    silent = [name for name, tests in said.items()
              if not tests and name not in ("echo", "client")]
    tap.check(not silent, "each row says which test runs it", silent)
    ran = {c[0].__name__: c[2] for c in CASES}
    wrong = [(name, test) for name, tests in said.items() for test in tests
             if (ROOT / f"examples/{name}.c").exists() and
             name not in ran.get(test, ())]
    tap.check(not wrong, "and that test runs it", wrong)


def tests_of(cell):
    """The functions after "examples", up to the next suite."""
    part = re.search(r"examples((?:,? `\w+`)+)", cell)
    return re.findall(r"`(\w+)`", part[1]) if part else []
