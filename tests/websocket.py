# SPDX-License-Identifier: MIT
"""As much of WebSocket (RFC 6455) as the tests of the examples need, either
end, without extensions: slow, and strict only where a test looks."""

import base64
import hashlib
import os
import socket
import struct
import time

from harness import PATIENCE, Listener

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Ended(Exception):
    """The peer is gone: its close code, or None if it sent no close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"ended with {code} {reason}")
        self.code, self.reason = code, reason


def accept_key(key):
    digest = hashlib.sha1(key.encode() + GUID).digest()
    return base64.b64encode(digest).decode()


def mask(data, key):
    """As one long number, which Python is quick at."""
    keys = (key * (len(data) // 4 + 1))[:len(data)]
    number = int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")
    return number.to_bytes(len(data), "big")


def frame(opcode, data, fin, masked):
    """Its bytes.  The opcode may have reserved bits with it."""
    bit, key, n = 0, b"", len(data)
    if masked:
        bit, key = 0x80, os.urandom(4)
        data = mask(data, key)
    if n < 126:
        length = struct.pack("!B", bit | n)
    elif n < 1 << 16:
        length = struct.pack("!BH", bit | 126, n)
    else:
        length = struct.pack("!BQ", bit | 127, n)
    return bytes([fin << 7 | opcode]) + length + key + data


class WebSocket:
    """A connection, after its handshake, of which the peer's fields are kept.
    Frames of a client are masked."""

    def __init__(self, sock, file, fields, client):
        self.sock, self._file, self._client = sock, file, client
        self.fields = fields
        self._close_sent = False

    def send(self, data):
        """A message: text, or bytes for a binary one."""
        if isinstance(data, str):
            self.send_frame(TEXT, data.encode())
        else:
            self.send_frame(BINARY, data)

    def send_frame(self, opcode, data, fin=True):
        self.sock.sendall(frame(opcode, data, fin, self._client))

    def receive(self):
        """The next message, str or bytes; raises Ended.  Pings alone do not
        make it wait for ever."""
        kind, whole = None, b""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            fin, opcode, data = self._receive_frame()
            if opcode == CLOSE:
                self._end(data)
            if opcode == PING:
                self.send_frame(PONG, data)
            if opcode >= CLOSE:
                continue
            kind, whole = kind or opcode, whole + data
            if fin:
                return whole.decode() if kind == TEXT else whole
        raise TimeoutError("only control frames came")

    def receive_frame(self):
        """The next frame's opcode and payload, whatever it is."""
        _, opcode, data = self._receive_frame()
        return opcode, data

    def close(self, code=1000):
        """Say goodbye, and wait for the answer.  Returns its code."""
        self._send_close(struct.pack("!H", code))
        try:
            while True:
                self.receive()
        except Ended as end:
            return end.code
        finally:
            self.drop()

    def drop(self):
        """Hang up without a word."""
        self._file.close()
        self.sock.close()

    def _send_close(self, payload):
        if not self._close_sent:
            self._close_sent = True
            self.send_frame(CLOSE, payload)

    def _end(self, payload):
        self._send_close(payload)
        if not payload:
            raise Ended(1005)
        raise Ended(struct.unpack("!H", payload[:2])[0], payload[2:].decode())

    def _receive_frame(self):
        first, second = self._take(2)
        n = second & 0x7f
        if n == 126:
            n, = struct.unpack("!H", self._take(2))
        elif n == 127:
            n, = struct.unpack("!Q", self._take(8))
        if (second >> 7) == self._client:
            raise ValueError("a frame is masked, or not, against the rule")
        key = self._take(4) if second >> 7 else bytes(4)
        data = self._take(n)
        return first >> 7, first & 0x0f, mask(data, key) if any(key) else data

    def _take(self, n):
        try:
            data = self._file.read(n)
        except ConnectionError:
            data = b""
        if len(data) < n:
            raise Ended(None)
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()


def read_head(file):
    """The first line, and the fields by their names in small letters."""
    first = file.readline().decode().rstrip("\r\n")
    fields = {}
    for line in iter(file.readline, b"\r\n"):
        if not line:
            raise Ended(None)
        name, _, value = line.decode().partition(":")
        fields[name.lower()] = value.strip()
    return first, fields


def connect(port, path="/", origin=None, *, extensions=None, early=b"",
            receive_buffer=0):
    """Dial 127.0.0.1; early goes out with the request.  Raises ValueError with
    the status line of a refusal."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    head = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}",
            "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    if origin:
        head.append(f"Origin: {origin}")
    if extensions:
        head.append(f"Sec-WebSocket-Extensions: {extensions}")
    request = "".join(f"{line}\r\n" for line in [*head, ""]).encode()
    sock.sendall(request + early)
    file = sock.makefile("rb")
    status, fields = read_head(file)
    if fields.get("sec-websocket-accept") != accept_key(key):
        file.close()
        sock.close()
        raise ValueError(status)
    return WebSocket(sock, file, fields, client=True)


def accept(listener):
    """Serve one handshake.  Returns the connection and its target."""
    sock, _ = listener.accept()
    sock.settimeout(PATIENCE)
    file = sock.makefile("rb")
    first, fields = read_head(file)
    answer = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade",
              "Upgrade: websocket", "Sec-WebSocket-Accept: " +
              accept_key(fields["sec-websocket-key"])]
    sock.sendall("".join(f"{line}\r\n" for line in [*answer, ""]).encode())
    return WebSocket(sock, file, fields, client=False), first.split()[1]


class Scripted(Listener):
    """A server of so many connections, one after the other; it calls
    talk(connection, target) for each.  Afterwards it knows the targets and the
    fields of the requests."""

    def __init__(self, talk, connections=1, path=None):
        super().__init__(path)
        self._talk, self._connections = talk, connections
        self.targets, self.fields = [], []

    def _serve(self):
        for _ in range(self._connections):
            connection, target = accept(self._listener)
            self.targets.append(target)
            self.fields.append(connection.fields)
            with connection:
                self._talk(connection, target)
