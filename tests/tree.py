# SPDX-License-Identifier: MIT
"""What stands in the library's sources, in its objects and in the tables of
pages, for the tests that hold rules of the whole tree."""

import collections
import functools
import re
import subprocess

NOISE = re.compile(r"""
    /\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+'
    """, re.VERBOSE | re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*\#(?:\\\n|[^\n])*", re.MULTILINE)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.DOTALL)
CALLED = re.compile(r"(\w+)\s*\(")
TESTS = re.compile(r"`([\w/]+(?:\.py)?): ([a-z_0-9, ]+)`")

# comment: the one above it, or above the lines that it stands with.
Declaration = collections.namedtuple("Declaration", "name inline comment")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code(text):
    """The text, of the same length, without comments and strings."""
    return NOISE.sub(blank, text)


def pieces(text):
    """(begin, end, head, has a body) of each declaration outside of braces."""
    text = DIRECTIVE.sub(blank, code(text))
    start = depth = 0
    head_end = None
    for offset, char in enumerate(text):
        if char == "{":
            if depth == 0:
                head_end = offset
            depth += 1
        depth -= char == "}"
        if depth == 0 and char in ";}":
            head = text[start:offset if head_end is None else head_end]
            if head.strip():
                yield (start + len(head) - len(head.lstrip()), offset + 1,
                       " ".join(ATTRIBUTE.sub("", head).split()),
                       head_end is not None)
            start, head_end = offset + 1, None


def declared_name(head):
    """What a piece of a header makes known to other objects, if anything."""
    if head.startswith("typedef"):
        return None
    function = re.search(r"\b(ws_\w+)\s*\(", head)
    if function:
        return function[1]
    return (re.findall(r"\bws_\w+", head)[-1]
            if head.startswith("extern") else None)


def declarations(header):
    """Of the functions and objects of a header."""
    text = header.read_text()
    comment, seen = "", 0
    for begin, end, head, _ in pieces(text):
        between = text[seen:begin]
        comments = re.findall(r"/\*.*?\*/", between, re.DOTALL)
        if comments or "\n\n" in between:
            comment = " ".join(comments[-1].split()) if comments else ""
        seen = end
        name = declared_name(head)
        if name:
            yield Declaration(name, head.startswith("static"), comment)


def static_functions(source):
    """The names of those that a file defines."""
    for _, _, head, has_body in pieces(source.read_text()):
        if has_body and head.startswith("static ") and head.endswith(")"):
            yield CALLED.search(head)[1]


@functools.cache
def words(file):
    return set(re.findall(r"\w+", code(file.read_text())))


OBJECT = re.compile(
    r"\b([a-z]+)_(\w+)\.[cS]\.o:\s*[0-9a-f]*\s+([A-Zuvw]) (\S+)$")


@functools.cache
def symbols(archive):
    """(defines, needs): the symbols that each object, "folder/file", offers to
    others, and those that it wants, by the archive or an object alone.  Names
    of the library begin with ws_; what a sanitizer adds does not."""
    listing = subprocess.run(["nm", "-A", "-g", archive], check=True,
                             text=True, stdout=subprocess.PIPE).stdout
    defines, needs = {}, {}
    for line in listing.splitlines():
        match = OBJECT.search(line)
        if not match:
            continue
        folder, file, kind, symbol = match.groups()
        for table in defines, needs:
            table.setdefault(f"{folder}/{file}", set())
        if kind in "Uvw":
            needs[f"{folder}/{file}"].add(symbol)
        elif symbol.startswith("ws_"):
            defines[f"{folder}/{file}"].add(symbol)
    return defines, needs


def cells_of(line):
    """Of a row of a page's table; of another line, and of the one below the
    heads, none."""
    cells = [cell.strip() for cell in line.split("|")][1:-1]
    return cells if set("".join(cells)) != {"-"} else []


def missing_tests(folder, cell):
    """Of a table's cell, that names cases of tests: `read_test: a, b` is two of
    read_test.c, `x/y.py: z` the function z of x/y.py."""
    missing = []
    for program, names in TESTS.findall(cell):
        script = program.endswith(".py")
        path = folder / (program if script else f"{program}.c")
        text = path.read_text() if path.exists() else ""
        missing += [f"{program}: {name}" for name in names.split(", ")
                    if ("def " if script else "static void ") + f"{name}("
                    not in text]
    return missing if TESTS.search(cell) else ["any test"]
