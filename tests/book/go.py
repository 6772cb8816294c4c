#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""go.py PAGE BUILD TOOL: the programs in Go on a page are compiled, and what
the page has done with the program in C behind each is done with it."""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import HINT, report  # noqa: E402
import blocks  # noqa: E402
from session import Session, Tools, done  # noqa: E402

MODULE = pathlib.Path(__file__).resolve().parents[1] / "interop/go"


class GoSession(Session):
    """By the libraries that tests/interop/setup.sh has fetched."""

    def __init__(self, tools, fetched):
        super().__init__(tools)
        self.environment = {
            **os.environ, "GOMODCACHE": f"{fetched}/mod",
            "GOCACHE": f"{fetched}/cache", "GOPROXY": "off",
            "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}

    def go(self, block):
        code = self.placed(block.text)
        program = block.program()
        source = pathlib.Path(self.folder, f"{program}.go")
        source.write_text(code)
        failed, said = done(["go", "build", "-o", f"{self.folder}/{program}",
                             source], cwd=MODULE, env=self.environment)
        if failed:
            return f"{said}{HINT}"
        port = self.port_of(code)
        return self.serve(program, port, code) if port else ""

    def end_server(self):
        """One in Go is ended by the signal."""
        return super().end_server().replace(
            "the server before it ended with -15", "")


def in_go(page):
    """Its blocks, those in Go at the places of those in C behind them; what
    stands in C alone is left out, with what is done with it."""
    program, compared = None, False
    for block in blocks.blocks_of(page.name, page.read_text()):
        if block.language == "go":
            program = block
        elif block.language == "c":
            compared = program is not None
            if compared:
                program.notes = block.notes
                yield program
            program = None
        elif block.language == "console" and compared:
            yield block


def checks(page, build, tool):
    tools = Tools([], [], tool.resolve().parent)
    with GoSession(tools, build.resolve() / "interop/go") as session:
        for block in in_go(page):
            problem = getattr(session, block.language)(block)
            yield block.name(), [problem] if problem else []


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(report(checks(*map(pathlib.Path, sys.argv[1:]))))
