#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py ROOT LIBRARY TOOL CC...: each block of code on the pages is compiled,
and run.  What notes say to blocks stands in blocks.py, what is done with them
in session.py.  SILVERBACK_PAGES has the pages, if not all are meant.

Each of these rules is tried with a page that breaks it, too."""

import concurrent.futures
import os
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools/book")]
from harness import noticed, report  # noqa: E402
import blocks  # noqa: E402
import pages  # noqa: E402
from session import Session, Tools  # noqa: E402

DONE = ("c", "cpp", "console", "sh")

# What no compiler of ours reads, or another test tries.
READ_ELSEWHERE = {
    "text": "what programs print, and drawings",
    "ini": "units of systemd, hitch and stunnel: tests/proxy, tests/proxy_doc",
    "nginx": "tests/proxy, tests/proxy_doc",
    "apache": "tests/proxy, tests/proxy_doc",
    "haproxy": "tests/proxy, tests/proxy_doc",
    "cmake": "tests/embed",
    "meson": "tests/embed",
    "go": "tests/book/go.py, in the suite interop",
    "redis": "tests/redis/hub_nodes.py",
}


def is_done(block):
    return block.language in DONE and (block.language == "c" or
                                       "not run" not in block.notes)


def checks_of(name, text, tools):
    """(block, problems) for each that is done, and for all else in one."""
    found = list(blocks.blocks_of(name, text))
    wrong = [f"line {line}: code without a fence, and so without a language"
             for line in blocks.indented(text)]
    for block in found:
        if block.language not in DONE and block.language not in READ_ELSEWHERE:
            wrong.append(f"line {block.line}: nobody knows the language "
                         f"\"{block.language}\"")
        if block.notes.get("not run") == "":
            wrong.append(f"line {block.line}: not run, for no reason")
    with Session(tools) as session:
        checks = [(block.name(), getattr(session, block.language)(block))
                  for block in found if is_done(block)]
        wrong.append(session.end_server())
    return [(name, list(filter(None, problems))) for name, *problems in
            [*checks, (f"{name}: all else", *wrong)]]


FRAME = "<!-- frame\nint main(void)\n{\n    ...\n    return 0;\n}\n-->\n"
SERVER = """```c
#include <silverback.h>

static void hello(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, STATUS, "hello");
}

int main(void)
{
    const ws_route routes[] = { { .path = "/", .handler = hello }, { 0 } };
    int code = ws_serve(&(ws_server){ .addr = ":8080", .routes = routes });

    return code != 0 || CODE;
}
```
"""

# (what, page, with an X where it is wrong)
FAULTS = [
    ("a fragment that does not compile", "```c\nint n = \"X\";\n```\n"),
    ("a program that does not", "```c\nint main(void) { X }\n```\n"),
    ("one with a warning", "```c\nint main(void) { int x; return 0; }\n```\n"),
    ("one that fails", f"{FRAME}```c\nreturn 3;\n```\n"),
    ("a server that does not serve",
     "```c\nint main(void) { return puts(\":8080\") < 0; }\n```\n"),
    ("a route that is not answered", SERVER.replace("STATUS", "404")
     .replace("CODE", "0")),
    ("a server that ends badly", SERVER.replace("STATUS", "200")
     .replace("CODE", "1")),
    ("a command that prints something else",
     "```console\n$ echo one\ntwo\n```\n"),
    ("one that fails", "```sh\nfalse\ntrue\n```\n"),
    ("a block that is not run", "<!-- not run: -->\n```sh\ntrue\n```\n"),
    ("a language that nobody knows", "```cobol\nSTOP RUN.\n```\n"),
    ("one that is not named", "```\nint n = 1;\n```\n"),
    ("code without a fence", "Like this:\n\n    true\n"),
]


def checks(texts, tools):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda name: checks_of(name, texts[name], tools),
                              texts):
            yield from found
        for (what, _), found in zip(FAULTS, pool.map(
                lambda fault: checks_of("", fault[1], tools), FAULTS)):
            yield noticed(what, filter(None, (told for _, told in found)))


def main(root, library, tool, *compiler):
    root, library, tool = [pathlib.Path(path).resolve()
                           for path in (root, library, tool)]
    tools = Tools([*compiler, f"-I{root}/include"],
                  [str(library), f"-Wl,-rpath,{library.parent}"],
                  tool.parent)
    chosen = os.environ.get("SILVERBACK_PAGES", "").split()
    return report(checks({page: text for page, text
                          in pages.written(root).items()
                          if not chosen or page in chosen}, tools))


if len(sys.argv) < 5:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
