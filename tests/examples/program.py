# SPDX-License-Identifier: MIT
"""Running the examples: cases, programs, and servers among them."""

import signal
import subprocess
import threading

from harness import PATIENCE, start_server, stop, wait_until

CASES = []  # (function, how many checks it makes, the programs it takes)


def case(checks, *programs):
    """The function is called with a Tap and the paths of these programs."""
    def add(function):
        CASES.append((function, checks, programs))
        return function
    return add


class Program:
    """A program whose lines are collected as it prints them.  A context:
    leaves no process behind."""

    def __init__(self, *command):
        self._collect(subprocess.Popen(command, text=True, errors="replace",
                                       stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT))

    def _collect(self, process):
        self.process = process
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def has(self, beginning):
        return wait_until(
            lambda: any(line.startswith(beginning) for line in self.lines))

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self):
        code = self.process.wait(PATIENCE)
        self._reader.join()
        return code

    def terminate(self):
        """Where others have to do their part until it has ended."""
        self.process.terminate()

    def stop(self):
        """By SIGTERM.  Returns the exit code."""
        code = stop(self.process)
        self._reader.join()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


class Server(Program):
    """One that listens on self.port of 127.0.0.1.  In its command, ADDR stands
    for the address, and PORT for the port."""

    ADDR, PORT = "{addr}", "{port}"

    def __init__(self, *command):
        def command_for(port):
            return [part.replace(self.ADDR, f"127.0.0.1:{port}")
                    .replace(self.PORT, str(port)) for part in command]

        process, self.port = start_server(
            command_for, text=True, errors="replace", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.url = f"ws://127.0.0.1:{self.port}"
        self._collect(process)
