# SPDX-License-Identifier: MIT
"""Plays the scenes of a program that stands on tests/explore.h, and then does so
with one fault after the other planted in a folder of lib: each has to be found."""

import pathlib
import platform
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIB = ROOT / "lib"
SWITCH = {"x86_64": "switch_x86_64.S", "aarch64": "switch_aarch64.S"}
SOURCES = ["fiber/context.c", "base/alloc.c",
           "fiber/" + SWITCH.get(platform.machine(), "switch_ucontext.c")]


class Scenes:
    """PROGRAM.c of this folder, with other files of lib, and faults of FOLDER: a
    name, a file of it, what goes, what comes."""

    def __init__(self, program, sources, folder, faults):
        self.program = program
        self.sources = [*SOURCES, *sources]
        self.folder = folder
        self.faults = faults

    def build(self, where):
        """The program, from the files in where before those of lib."""
        program = where / self.program
        command = ["cc", "-std=gnu11", "-O2", "-D_GNU_SOURCE", "-w",
                   "-I", where, "-I", ROOT / "tests", "-I", ROOT / "include",
                   "-I", LIB, ROOT / f"tests/long/{self.program}.c",
                   *[LIB / source for source in self.sources],
                   "-o", program, "-lcmocka"]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"{self.program}.c does not compile; does it find cmocka "
                     "(run tools/setup --tests)?")
        return program

    def with_fault(self, file, old, new):
        text = (LIB / self.folder / file).read_text()
        if text.count(old) != 1:
            sys.exit(f"{self.program}.py: its place in {file} is not there "
                     f"once: {old}")
        return text.replace(old, new)

    def plant(self, where, *fault):
        text = self.with_fault(*fault)
        (where / self.folder).mkdir()
        (where / self.folder / fault[0]).write_text(text)

    def check(self):
        """Ends the script where something is not as it was."""
        with tempfile.TemporaryDirectory() as folder:
            self.build(pathlib.Path(folder))
        for _, *fault in self.faults:
            self.with_fault(*fault)
        print(f"{self.program}.c compiles, {len(self.faults)} faults can be "
              "planted")
        return 0

    def find(self, name, *fault, limit):
        """A line on whether it is found, and whether it is."""
        with tempfile.TemporaryDirectory() as folder:
            where = pathlib.Path(folder)
            self.plant(where, *fault)
            program = self.build(where)
            for preemptions in range(3):
                run = subprocess.run([program, str(preemptions), limit],
                                     text=True, stdout=subprocess.PIPE)
                if run.returncode != 0:
                    return found_in(name, run, preemptions), True
        return f"NOT FOUND  {name}", False

    def main(self, preemptions, limit):
        """Returns what the script ends with.  These are the defaults of its
        arguments."""
        if sys.argv[1:] == ["--check"]:
            return self.check()
        if not all(argument.isdigit() for argument in sys.argv[1:]):
            sys.exit(sys.modules["__main__"].__doc__)
        arguments = (sys.argv[1:] +
                     [preemptions, limit][len(sys.argv) - 1:])[:2]
        with tempfile.TemporaryDirectory() as folder:
            ok = subprocess.run([self.build(pathlib.Path(folder)),
                                 *arguments]).returncode == 0
        for fault in self.faults:
            line, found = self.find(*fault, limit=arguments[1])
            print(line, flush=True)
            ok = ok and found
        return 0 if ok else 1


def found_in(name, run, preemptions):
    lines = run.stdout.splitlines()
    at = next((i for i, line in enumerate(lines) if "WRONG" in line), None)
    if at is None:
        return f"found      {name}: ended by {run.returncode}"
    scene, _, count = lines[at - 1].partition(" schedules")[0].rpartition(" ")
    return (f"found      {name}\n             in: {scene.strip()}, by {count} "
            f"schedules with {preemptions} preemptions:\n            "
            f"{lines[at].strip()[6:]}")
