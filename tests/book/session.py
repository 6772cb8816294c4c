# SPDX-License-Identifier: MIT
"""A page's blocks, done in their order in a folder of their own, as by a reader
who tries everything out.

The ports 8080 and 8443 become two that are free.  A program that names one
outside of a URL is a server: it goes on until the next server of the page is
started, or until the page ends."""

import collections
import contextlib
import http.client
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import tempfile

from harness import PATIENCE, free_port, is_listening, wait_until

HEADERS = "assert errno inttypes poll stdio stdlib string unistd".split()
BEFORE = "".join(f"#include <{name}.h>\n" for name in HEADERS) + \
    "#include <silverback.h>\n"
FLAGS = ["-Wall", "-Wextra", "-Werror"]
C = ["-x", "c", "-std=gnu11"]
CPP = ["-x", "c++", "-std=c++17",
       "-fno-sanitize=vptr"]  # of which a driver for C has no runtime
UNUSED = ["-Wno-unused-parameter", "-Wno-unused-variable",
          "-Wno-unused-const-variable", "-Wno-unused-function",
          "-Wno-unused-but-set-variable"]
PORTS = ("8080", "8443")

# How to compile, what to link with, and the folder of the tool.
Tools = collections.namedtuple("Tools", "compiler libraries path")


def done(command, text="", **options):
    """(exit code, what it printed either way)."""
    with subprocess.Popen(command, text=True, errors="replace",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True,
                          **options) as process:
        try:
            printed, _ = process.communicate(text, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed = process.communicate()[0] + "\nand did not end"
        return process.returncode, printed


def fits(expected, printed):
    """Where the page has "..." there may be anything."""
    pattern = re.escape(expected.strip()).replace(r"\.\.\.", ".*?")
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def commands_of(text):
    """[command, what it prints] for each: "$ " begins one, "> " goes on."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0] += "\n" + line[2:]
        else:
            found[-1][1] += line + "\n"
    return found


def answers(port, path, tls):
    """Whether there is a route for it."""
    connection = http.client.HTTPSConnection(
        "localhost", port, context=ssl._create_unverified_context()) if tls \
        else http.client.HTTPConnection("localhost", port)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status not in (404, 500)


class Session:
    """A context: leaves no process and no file behind."""

    def __init__(self, tools):
        self.tools = tools
        self.ports = {port: str(free_port()) for port in PORTS}
        self.folder = tempfile.mkdtemp()
        self.options = {
            "cwd": self.folder,
            "env": {**os.environ,
                    "PATH": f"{tools.path}:{os.environ['PATH']}"},
        }
        self.server, self.background = None, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_server()
        for process in self.background:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        shutil.rmtree(self.folder)

    # ---- Blocks: what is wrong with each ------------------------------------

    def c(self, block):
        return self.source(block, C)

    def cpp(self, block):
        return self.source(block, CPP, "-lstdc++")

    def sh(self, block):
        return self.sh_text(self.placed(block.text))

    def console(self, block):
        for command, expected in commands_of(self.placed(block.text)):
            if command.endswith("&"):
                self.start(command)
                continue
            _, printed = done(["bash", "-c", command], **self.options)
            if not fits(expected, printed):
                return f"{command}\nprints\n{printed}and not\n{expected}"
        return ""

    # ---- Parts of them ------------------------------------------------------

    def source(self, block, language, *runtime):
        code = self.placed(block.framed())
        if "#include <silverback.h>" not in code:
            code = BEFORE + code
        cflags, libraries = self.needs(block)
        if not re.search(r"\bint main\(", code):
            return self.compiled(code, *language, *cflags, *UNUSED,
                                 "-fsyntax-only", "-")
        program = block.program()
        said = self.compiled(code, *language, *cflags, "-o", program, "-",
                             "-x", "none", *libraries, *self.tools.libraries,
                             *runtime)
        if said or "program" in block.notes or "not run" in block.notes:
            return said
        port = self.port_of(code)
        return self.serve(program, port, code) if port else \
            self.sh_text(f"exec ./{program}")

    def placed(self, text):
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text

    def port_of(self, text):
        """That something will listen at."""
        text = re.sub(r"://[^\s\"]*", "", text)
        return next((int(port) for port in self.ports.values()
                     if re.search(rf"\b{port}\b", text)), None)

    def needs(self, block):
        names = block.notes.get("needs", "").split()
        return [shlex.split(done(["pkg-config", option, *names])[1])
                if names else [] for option in ("--cflags", "--libs")]

    def compiled(self, code, *flags):
        failed, said = done([*self.tools.compiler, *FLAGS, *flags], code,
                            **self.options)
        return said or "it does not compile" if failed else ""

    def sh_text(self, text):
        code, printed = done(["bash", "-ec", text], **self.options)
        return f"it ends with {code}:\n{printed}" if code else ""

    def start(self, command):
        """It ends with the page, unless by itself."""
        process = subprocess.Popen(
            ["bash", "-c", "exec " + command.rstrip("& ")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True, **self.options)
        self.background.append(process)
        self.listens(process, self.port_of(command))

    @staticmethod
    def listens(process, port):
        if port:
            wait_until(lambda: is_listening(port) or
                       process.poll() is not None)
        return process.poll() is None

    def serve(self, program, port, code):
        """Each of its routes gives an answer."""
        problem = self.end_server()
        self.server = subprocess.Popen(f"./{program}",
                                       stdout=subprocess.DEVNULL,
                                       **self.options)
        if not self.listens(self.server, port):
            return f"it does not serve, but ends with {self.server.poll()}"
        silent = [path for path in re.findall(r"\.path = \"([^\"]+)\"", code)
                  if not answers(port, path, ".tls = " in code)]
        return problem or "".join(f"{path} is not answered" for path in silent)

    def end_server(self):
        server, self.server = self.server, None
        if not server:
            return ""
        server.terminate()
        code = server.wait(PATIENCE)
        return f"the server before it ended with {code}" if code else ""
