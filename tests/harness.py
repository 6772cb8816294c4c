# SPDX-License-Identifier: MIT
"""What test drivers in Python share: TAP, servers of ours to talk to, and
certificates."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

HINT = "run tools/setup --tests"

PATIENCE = 90  # seconds; no test that passes waits for it


class Tap:
    """Prints the plan, then a line for each check."""

    def __init__(self, plan):
        self.plan, self.count, self.failed = plan, 0, 0
        print(f"1..{plan}", flush=True)

    def check(self, ok, name, why=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}")
        if not ok and why != "":
            print("# " + str(why).replace("\n", "\n# "))
        sys.stdout.flush()

    def done(self):
        """The exit code: also a wrong number of checks is a failure."""
        if self.count != self.plan:
            print(f"# {self.plan} checks were planned, {self.count} made")
        return self.failed != 0 or self.count != self.plan


def report(results):
    """Prints a line for each (name, problems), and its problems below.  Returns
    the exit code: whether there were any."""
    results = list(results)
    tap = Tap(len(results))
    for name, problems in results:
        tap.check(not problems, name, "\n".join(map(str, problems)))
    return tap.done()


def noticed(what, problems):
    """For report: that a rule has problems to tell of what breaks it."""
    return f"{what} is noticed", [] if list(problems) else ["it is not"]


def noticed_change(text, old, new, rule):
    """And of a text that breaks it once it has new in the place of old."""
    bad = text.replace(old, new)
    return noticed(f"{new.strip()} for {old.strip()}",
                   rule(bad) if bad != text else [])


def wait_until(condition):
    """Ask until it holds.  Returns whether it does."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def command_of(*names):
    """Any of these, where not every user looks."""
    path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise FileNotFoundError(f"{names[0]} is missing: {HINT}")


def free_port(*more):
    """A port that nobody has, nor those so much further up, and that the kernel
    gives nobody by itself (its range begins at 32768)."""
    while True:
        port = random.randrange(10240, 22240)
        with contextlib.suppress(OSError):
            for n in 0, *more:
                socket.create_server(("127.0.0.1", port + n)).close()
            return port


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def start_server(command_for, **options):
    """Start command_for(port), which listens there on 127.0.0.1.  Another
    program may be quicker to take the port: then ours ends, and gets another.
    options are those of Popen.  Returns the process and the port."""
    options.setdefault("stdout", subprocess.DEVNULL)
    for _ in range(10):
        port = free_port()
        process = subprocess.Popen(command_for(port), **options)
        wait_until(lambda: process.poll() is not None or is_listening(port))
        if process.poll() is None:
            return process, port
    raise RuntimeError(f"{command_for(0)} does not listen")


class Listener:
    """Listens at a port of 127.0.0.1, or at a local socket if it has a path,
    and has a thread run _serve.  A context."""

    def __init__(self, path=None):
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self._listener.listen()
            self.name = f"unix:{path}"
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
            self.name = f"127.0.0.1:{self.port}"
            self.url = f"ws://{self.name}"
        self._listener.settimeout(PATIENCE)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join()
        self._listener.close()


class Raw(Listener):
    """A server of one connection that sees bytes: talk(socket).  Afterwards it
    has what that returned."""

    def __init__(self, talk, path=None):
        super().__init__(path)
        self._talk, self.result = talk, None

    def _serve(self):
        with self._listener.accept()[0] as sock:
            sock.settimeout(PATIENCE)
            self.result = self._talk(sock)


def make_certificate(folder, name, san):
    """NAME.pem, signed by itself, and NAME.key."""
    file, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key,
         "-out", file, "-subj", f"/CN={name}", "-addext",
         f"subjectAltName={san}"],
        check=True, capture_output=True)
    return file


def stop(process):
    """End it by SIGTERM.  Returns its exit code; None if it had to be
    killed."""
    process.terminate()
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
