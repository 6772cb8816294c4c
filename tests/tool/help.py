#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: help.py TOOL MANUAL PAGE BASH ZSH FISH

The manual page, docs/tool.md and the completions of the command line tool: that
they are well formed, and have all modes and options that the tool itself knows."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "book")]

from blocks import blocks_of  # noqa: E402
from harness import Tap, command_of  # noqa: E402


def output_of(*command, **options):
    done = subprocess.run([str(part) for part in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    return done.stdout if done.returncode == 0 else f"failed: {done.stdout}"


class Tool:
    def __init__(self, path):
        self.path = path
        self.name = pathlib.Path(path).name
        self.env = {**os.environ, "PATH": f"{pathlib.Path(path).parent}:"
                    + os.environ["PATH"]}
        self.modes = re.findall(r"(?m)^[^ :]+ ([a-z]+) [A-Z[]",
                                output_of(path, "--help"))

    def every(self):
        return {option for mode in self.modes for option in self.options(mode)}

    def options(self, mode):
        return re.findall(r"(?m)^  .*(--[a-z0-9-]+)",
                          output_of(self.path, mode, "--help"))


def manual(tap, tool, page):
    said = output_of(command_of("mandoc"), "-T", "lint", "-W", "warning", page)
    tap.check(said == "", "manual: well formed", said)
    text = output_of(command_of("mandoc"), "-T", "utf8", page)
    text = re.sub(".\b", "", text)
    missing = [word for mode in tool.modes for word in [mode, *tool.options(mode)]
               if not re.search(rf"(?<![\w-]){word}(?![\w-])", text)]
    tap.check(tool.modes and not missing, "manual: has all of it", missing)
    more = set(re.findall(r"(?<![\w-])--[a-z0-9-]+", text)) - tool.every()
    tap.check(more <= {"--version"}, "manual: and nothing else", more)


BASH = """source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_${1//[^a-z0-9]/_}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(tap, tool, file):
    def complete(*words):
        return output_of(command_of("bash"), "-c", BASH, "bash", file,
                         tool.name, *words, env=tool.env).split()

    tap.check(complete("") == tool.modes, "bash: modes", complete(""))
    for mode in tool.modes:
        got = complete(mode, "--")
        tap.check(got == tool.options(mode), f"bash: options of {mode}", got)
    tap.check(complete("--js") == ["--json"], "bash: a beginning",
              complete("--js"))
    tap.check(complete("--file", "/etc/host").count("/etc/hosts") == 1,
              "bash: a file", complete("--file", "/etc/host"))


def fish(tap, tool, file):
    def complete(line):
        got = output_of(command_of("fish"), "--no-config", "-c",
                        f"source {file}; complete -C '{line}'", env=tool.env)
        return [row.split("\t")[0] for row in got.splitlines()]

    got = complete(f"{tool.name} ")
    tap.check(set(tool.modes) <= set(got), "fish: modes", got)
    for mode in tool.modes:
        got = complete(f"{tool.name} {mode} --")
        tap.check(set(got) == set(tool.options(mode)),
                  f"fish: options of {mode}", got)


def zsh(tap, tool, file):
    said = output_of(command_of("zsh"), "-n", file)
    tap.check(said == "", "zsh: well formed", said)


def commands_of(text):
    """Those that a page shows, each as a list of words."""
    shown = "".join(block.text for block in blocks_of("docs/tool.md", text)
                    if block.language in ("sh", "console"))
    for line in re.findall(r"(?m)^(?:\$ )?(.*\bws .*)$", shown):
        for part in re.sub(r"\$\(.*?\)", "1", line).split(" | "):
            words = shlex.split(part)
            if words and words[0] == "ws":
                yield words[1:]


def page(tap, tool, text):
    """With --help behind it a command says whether it is one."""
    commands = list(commands_of(text))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cert.pem", "key.pem"):
            pathlib.Path(folder, name).touch()
        wrong = {" ".join(words): said for words in commands
                 if "usage: " not in (said := output_of(
                     tool.path, *words, "--help", cwd=folder))}
    tap.check(len(commands) > 10 and not wrong, "docs: each command is one",
              wrong or commands)
    ours = text.partition("## Beside other tools")[0]
    named = set(re.findall(r"`(--[a-z0-9-]+)", ours))
    more = named - tool.every()
    tap.check(not more, "docs: each option is one", more)


def main(path, manual_page, docs, *completions):
    tool = Tool(pathlib.Path(path).resolve())
    tap = Tap(3 + 2 + len(tool.modes) + 3 + 1 + 1 + len(tool.modes))
    manual(tap, tool, manual_page)
    page(tap, tool, pathlib.Path(docs).read_text())
    for shell, file in zip((bash, zsh, fish), completions):
        shell(tap, tool, file)
    return tap.done()


if len(sys.argv) != 7:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
