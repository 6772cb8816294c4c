# SPDX-License-Identifier: MIT
"""The blocks of code on a page of Markdown, and the notes on them: comments
directly above one, which readers do not see.

    <!-- frame               what is around it, where a line "..." stands for
    ...-->                   the block; without such a line it is behind it
    <!-- program: NAME -->   it is compiled under this name, for blocks below
    <!-- needs: NAME -->     what pkg-config says of NAME
    <!-- not run: WHY -->    it is not run

A comment that begins with "console" or "sh" is such a block itself, for what
readers do not see, and yet is to be done."""

import re
import textwrap

PART = re.compile(r"<!--(?P<comment>.*?)-->|"
                  r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n"
                  r"(?P<code>.*?)^(?P=indent)```[ ]*$",
                  re.DOTALL | re.MULTILINE)
NOTE = re.compile(r"\s*(frame|program|needs|not run|console|sh)\b:? *\n?"
                  r"(.*?)\s*", re.DOTALL)
HOLE = re.compile(r"^[ \t]*\.\.\.$", re.MULTILINE)


class Block:
    def __init__(self, page, line, language, text, notes):
        self.page, self.line, self.language = page, line, language
        self.text, self.notes = text, notes

    def name(self):
        return f"{self.page}:{self.line}"

    def program(self):
        """What it is compiled to."""
        return self.notes.get("program", f"line{self.line}")

    def framed(self):
        frame = self.notes.get("frame", "")
        if not HOLE.search(frame):
            frame += "\n..."
        text = f'#line {self.line + 1} "{self.page}"\n{self.text}'
        return HOLE.sub(lambda _: text, frame, count=1)


def blocks_of(page, text):
    """In their order."""
    notes, seen = {}, 0
    for part in PART.finditer(text):
        if text[seen:part.start()].strip():
            notes = {}
        seen = part.end()
        line = text.count("\n", 0, part.start()) + 1
        if part["comment"] is None:
            yield Block(page, line, part["language"],
                        textwrap.dedent(part["code"]), notes)
            notes = {}
            continue
        note = NOTE.fullmatch(part["comment"])
        if note and note[1] in ("console", "sh"):
            yield Block(page, line, note[1], note[2] + "\n", notes)
            notes = {}
        elif note:
            notes[note[1]] = note[2]


def indented(text):
    """The lines where code begins that has no fence, and so no language; what
    is indented below an item of a list belongs to that."""
    text = PART.sub(lambda part: re.sub(r"[^\n]", "", part[0]) + "-", text)
    blank, listed = True, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("    ") and blank and not listed:
            yield number
        if line.strip() and not line.startswith(" "):
            listed = re.match(r"[-*+] |\d+\. ", line) is not None
        blank = not line.strip()
