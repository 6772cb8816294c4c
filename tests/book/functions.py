#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""functions.py ROOT: each public function stands in the guide, in a program
that tests run, be it an example or one on a page, and in a test.  (That it
stands in the reference is tests/reference_test's to tell.)

Each of these rules is tried with a function that breaks it, too."""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import noticed, report  # noqa: E402
import blocks  # noqa: E402
import tree  # noqa: E402


def public_functions(root):
    """But for those that only a macro calls, with a "_" behind."""
    return sorted(declared.name for header in root.glob("include/**/*.h")
                  for declared in tree.declarations(header)
                  if not declared.name.endswith("_"))


def programs_of(page):
    """The code of those that are run."""
    for block in blocks.blocks_of(page.name, page.read_text()):
        code = tree.code(block.framed())
        if block.language in ("c", "cpp") and "not run" not in block.notes \
                and re.search(r"\bint main\(", code):
            yield code


def words_of(texts):
    return set(re.findall(r"\w+", "\n".join(texts)))


def places(root):
    """The words that stand in each kind of place."""
    pages = sorted(root.glob("docs/*.md"))
    return {
        "a page of the guide": words_of(page.read_text() for page in pages),
        "a program that is run": words_of(
            [code for page in [root / "README.md", *pages]
             for code in programs_of(page)] +
            [tree.code(file.read_text())
             for file in root.glob("examples/**/*.[ch]")]),
        "a test": words_of(tree.code(file.read_text())
                           for file in root.glob("tests/**/*.[ch]")),
    }


def missing(functions, words):
    return [name for name in functions if name not in words]


def checks(root):
    functions = public_functions(root)
    yield "there are functions", [] if len(functions) > 100 else functions
    for place, words in places(root).items():
        yield f"each stands in {place}", missing(functions, words)
        yield noticed(f"one that does not stand in {place}",
                      missing(["ws_nowhere"], words))


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(report(checks(pathlib.Path(sys.argv[1]))))
