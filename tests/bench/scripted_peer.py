# SPDX-License-Identifier: MIT
"""A server that answers as it is told, and counts."""

import base64
import hashlib
import socket
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8
RSV1 = 0x40
AGREED = b"Sec-WebSocket-Extensions: permessage-deflate; " \
    b"server_no_context_takeover; client_no_context_takeover\r\n"


def frame(payload, opcode=TEXT, more=0x80):
    """Unmasked; more has the other bits of its first byte (RFC 6455, 5.2)."""
    n = len(payload)
    head = (bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big")
            if n < 65536 else b"\x7f" + n.to_bytes(8, "big"))
    return bytes([more | opcode]) + head + payload


def upgrade(head):
    """The answer to a request; agrees to compression when it is offered."""
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n")
               if line.startswith(b"Sec-WebSocket-Key"))
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept +
            b"\r\n" + (AGREED if b"permessage-deflate" in head else b"") +
            b"\r\n")


def echo(first, payload):
    return frame(payload, first & 15, first & 0xf0)


class Peer:
    """Listens at self.port.  on_message(first byte, payload) and
    on_request(head) return what is sent, None to end the connection."""

    def __init__(self, on_message=echo, on_request=upgrade):
        self.messages = self.closes = 0
        self._on_message, self._on_request = on_message, on_request
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection = self._listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,),
                             daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as source:
                self._talk(connection, source)
        except (OSError, EOFError):
            pass  # the load generator ends connections by a reset

    def _talk(self, connection, source):
        head = b"".join(iter(source.readline, b"\r\n"))
        answer = self._on_request(head)
        while answer is not None:
            connection.sendall(answer)
            first, payload = self._read(source)
            answer = self._on_message(first, payload)

    def _read(self, source):
        def take(n):
            data = source.read(n)
            if len(data) < n:
                raise EOFError
            return data

        first, length = take(2)
        length &= 127
        if length > 125:
            length = int.from_bytes(take(2 if length == 126 else 8), "big")
        key = take(4) * (length // 4 + 1)
        payload = (int.from_bytes(take(length), "big") ^
                   int.from_bytes(key[:length], "big"))
        with self._lock:
            self.messages += first & 15 < CLOSE
            self.closes += first & 15 == CLOSE
        return first, payload.to_bytes(length, "big")
