#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""links.py ROOT: what the pages of the repository link to is there, the
part of the page among it, and so for the reference; and each page stands in the
book's list of contents (mkdocs.yml).

Each of these rules is tried with a page that breaks it, too."""

import pathlib
import posixpath
import re
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools/book")]
from harness import noticed, report  # noqa: E402
from pages import REFERENCE, made, written  # noqa: E402

CODE = re.compile(r"^ *```.*?^ *```$|<!--.*?-->|`[^`\n]*`",
                  re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)]*)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
WEB = re.compile(r"https?://[\w.-]+(:\d+)?(/[!-;=?-~]*)?")


def anchor_of(heading):
    """As GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors_of(text):
    found = []
    for heading in HEADING.findall(re.sub(r"(?ms)^ *```.*?^ *```$", "", text)):
        anchor = anchor_of(heading)
        found.append(f"{anchor}-{found.count(anchor)}"
                     if anchor in found else anchor)
    return found


class Pages:
    """texts: by the place of each from the root; exists tells of all else."""

    def __init__(self, texts, exists):
        self.texts, self.exists = texts, exists

    def broken(self, place):
        for target in LINK.findall(CODE.sub("``", self.texts[place])):
            path, _, anchor = target.partition("#")
            if re.match(r"\w+:", target):
                if not WEB.fullmatch(target):
                    yield f"{target} is no address"
                continue
            to = posixpath.normpath(posixpath.join(
                posixpath.dirname(place), path)) if path else place
            if to.startswith(REFERENCE) and not place.startswith(REFERENCE):
                yield f"{target} is not in the repository: name the header"
            elif to not in self.texts and not self.exists(to):
                yield f"{target} is not there"
            elif anchor and anchor not in anchors_of(self.texts.get(to, "")):
                yield f"{target} is not on that page"

    def contents(self, text):
        """What is amiss between them and the list of contents, where the
        reference stands by its folder."""
        listed = set(re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$",
                                text.partition("\nnav:\n")[2], re.MULTILINE))
        there = {place for place in self.texts
                 if not place.startswith(REFERENCE)}
        return [*(f"{place} is not in mkdocs.yml"
                  for place in sorted(there - listed)),
                *(f"{place} of mkdocs.yml is not there"
                  for place in sorted(listed - there))]


FAULTS = {
    "a page that is not there": "see [this](nowhere.md)",
    "a page that is made": "see [this](reference/conn.md)",
    "a source that is not there": "see [this](../examples/nowhere.c)",
    "a picture that is not there": "![this](nowhere.svg)",
    "a part that is not on the page": "see [this](guide.md#nowhere)",
    "one that is not on this page": "see [this](#nowhere)",
    "what is no address": "see [this](https://exa mple.com/)",
}


def checks(root):
    pages = Pages({**written(root), **made(root)},
                  lambda place: (root / place).exists())
    for place in sorted(pages.texts):
        yield f"{place} has no broken link", list(pages.broken(place))
    contents = (root / "mkdocs.yml").read_text()
    yield "the list of contents has each page", pages.contents(contents)
    pages.texts["docs/wrong.md"] = ""
    yield noticed("one that it has not", pages.contents(contents))
    del pages.texts["docs/wrong.md"]
    yield noticed("one that it has, and is not there",
                  pages.contents(contents + "  - docs/lost.md\n"))
    for what, text in FAULTS.items():
        pages.texts["docs/wrong.md"] = text
        yield noticed(what, pages.broken("docs/wrong.md"))


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(report(checks(pathlib.Path(sys.argv[1]))))
