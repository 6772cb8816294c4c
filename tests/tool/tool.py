# SPDX-License-Identifier: MIT
"""The tool under test, and what it talks to."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import ssl
import struct
import subprocess
import termios
import threading
import time

from harness import PATIENCE, wait_until
from websocket import CLOSE, Ended, Scripted, accept_key

PATH = None     # of the tool
LIBEDIT = None  # whether it edits lines

ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy")}


def command(*args):
    return [PATH, *map(str, args)]


class Done:
    """How it went: exit code, output, and what was said beside it."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"code {self.code}, out {self.out!r}, err {self.err!r}"


def run(*args, given=b"", env=None):
    """Run it to its end; given is standard input, None: one that stays open."""
    stdin = subprocess.PIPE if given is not None else open_pipe()
    done = subprocess.run(command(*args), capture_output=True, timeout=PATIENCE,
                          env={**ENVIRONMENT, **(env or {})},
                          **({"input": given} if given is not None
                             else {"stdin": stdin}))
    if given is None:
        os.close(stdin)
    return Done(done.returncode, done.stdout, done.stderr.decode())


def open_pipe():
    """The reading end of a pipe whose writing end is never closed."""
    reading, _ = os.pipe()
    return reading


@contextlib.contextmanager
def started(*args, **options):
    """The tool as a process, which leaves with the context."""
    for name in ("stdin", "stdout", "stderr"):
        options.setdefault(name, subprocess.PIPE)
    process = subprocess.Popen(command(*args), env=ENVIRONMENT, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for file in (process.stdin, process.stdout, process.stderr):
            if file:
                file.close()


def interrupt(process):
    """As often as it takes: what comes at once counts as one."""
    wait_until(lambda: process.poll() is not None
               or process.send_signal(signal.SIGINT))


def close_frame(code, reason=""):
    return struct.pack("!H", code) + reason.encode()


def end_with(code, reason=""):
    """A talk of Scripted: close at once."""
    def talk(connection, _target):
        connection.send_frame(CLOSE, close_frame(code, reason)
                              if code else b"")
        messages_until_end(connection)
    return talk


def messages_until_end(connection):
    """All that comes.  Returns the messages and the close code."""
    messages = []
    try:
        while True:
            messages.append(connection.receive())
    except Ended as end:
        return messages, end.code


def echo(connection, _target):
    try:
        while True:
            connection.send(connection.receive())
    except Ended:
        pass


class Collecting(Scripted):
    """A server that keeps what each connection has said, and how it closed; on a
    local socket, if it has a path."""

    def __init__(self, talk=None, connections=1, path=None):
        self.said = []
        self._before = talk

        def collect(connection, target):
            if self._before:
                self._before(connection, target)
            self.said.append(messages_until_end(connection))

        super().__init__(collect, connections, path)


class Secure(Scripted):
    """The same by TLS; a client that does not like it is no failure."""

    def __init__(self, talk, certificate, ca=None):
        super().__init__(talk)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        if ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(ca)
        self._listener = context.wrap_socket(self._listener, server_side=True)
        self.url = f"wss://localhost:{self.port}"

    def _serve(self):
        try:
            super()._serve()
        except (OSError, Ended):
            pass


def answer(*lines, body=b""):
    """A talk of Raw: read a request, and answer it so."""
    def talk(sock):
        request = read_request(sock)
        head = "".join(f"{line}\r\n" for line in [*lines, ""])
        sock.sendall(head.encode() + body)
        return request
    return talk


def read_request(sock):
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        part = sock.recv(65536)
        if not part:
            break
        request += part
    return request.decode()


def accept_request(sock, request):
    """Answer it with 101."""
    key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r")[0]
    sock.sendall(("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: "
                  f"Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}"
                  "\r\n\r\n").encode())


class Terminal:
    """The tool on a terminal of its own.  A context."""

    def __init__(self, *args):
        self._master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.screen = ""
        self.process = subprocess.Popen(
            command(*args), stdin=slave, stdout=slave, stderr=slave,
            env={**ENVIRONMENT, "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            preexec_fn=self._take, start_new_session=True)

    def _take(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def type(self, text):
        os.write(self._master, text.encode())

    def shows(self, text, times=1):
        """Wait until it has been written so often.  Returns whether it was."""
        until = time.monotonic() + PATIENCE
        while self.screen.count(text) < times:
            if time.monotonic() > until or not self._read():
                return self.screen.count(text) >= times
        return True

    def _read(self):
        """Some of what is written.  Returns whether there can be more."""
        if not select.select([self._master], [], [], 0.05)[0]:
            return self.process.poll() is None
        self.screen += os.read(self._master, 65536).decode(errors="replace")
        return True

    def ended(self):
        """The exit code; all that was written is on the screen then."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < until:
            self._read()
        while select.select([self._master], [], [], 0)[0]:
            self._read()
        return self.process.poll()

    def is_edited(self):
        """Keys go to the tool as they are typed."""
        return not LIBEDIT or \
            not termios.tcgetattr(self._slave)[3] & termios.ICANON

    def set_as_before(self):
        termios.tcsetattr(self._slave, termios.TCSANOW, self.before)

    def is_as_before(self):
        """But for the line discipline's own marks."""
        now = termios.tcgetattr(self._slave)
        return now[:4] == self.before[:4]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self._master)


class Listening:
    """The tool where it listens; {} in its arguments is a port of 127.0.0.1
    that is free.  A context."""

    def __init__(self, *args, env=None, **options):
        for name in ("stdin", "stdout", "stderr"):
            options.setdefault(name, subprocess.PIPE)
        self.process = subprocess.Popen(
            command(*(str(arg).replace("{}", "127.0.0.1:0") for arg in args)),
            env={**ENVIRONMENT, **(env or {})}, **options)
        self.notes = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: self.notes or self.process.poll() is not None)
        where = self.notes[0].rpartition(" ")[2] if self.notes else ""
        port = where.rpartition(":")[2]
        self.port = int(port) if port.isdigit() else 0
        self.url = f"ws://127.0.0.1:{self.port}"

    def _read(self):
        for line in self.process.stderr:
            self.notes.append(line.decode().rstrip("\n"))

    def says(self, text):
        return wait_until(lambda: any(text in note for note in self.notes))

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline()

    def end(self, number=signal.SIGTERM):
        """By a signal.  Returns the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        code = self.process.wait(PATIENCE)
        self._reader.join()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for file in (self.process.stdin, self.process.stdout,
                     self.process.stderr):
            if file and not file.closed:
                file.close()
