# SPDX-License-Identifier: MIT
"""Either end of a WebSocket by hand (RFC 6455), for peers to be seen with:
frames as they come, nothing answered by itself."""

import base64
import hashlib
import re
import socket
import struct
import time
import zlib

PATIENCE = 30
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
COMPRESSED = 0x40  # RSV1, RFC 7692, section 6
MASK = bytes(range(1, 5))


def deflated(data, last=False):
    """A message's payload (RFC 7692, 7.2.1), or with a last block (7.2.3.4)."""
    z = zlib.compressobj(wbits=-15)
    if last:
        return z.compress(data) + z.flush(zlib.Z_FINISH) + b"\0"
    return (z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH))[:-4]


class End:
    """One end, after its handshake; `head` is what the peer's said."""

    def __init__(self, sock, client, answer=None):
        sock.settimeout(PATIENCE)
        self.sock, self.client = sock, client
        self.file = sock.makefile("rb")
        if client:
            sock.sendall(answer)
        self.head = ""
        while (line := self.file.readline()) != b"\r\n":
            if not line:
                raise EOFError("no end of the head")
            self.head += line.decode()

    def field(self, name):
        found = re.search(rf"(?im)^{name}: *(.*?)\r$", self.head)
        return found and found[1]

    def send(self, opcode, data=b"", flags=0):
        n, bit = len(data), 0x80 if self.client else 0
        length = (bytes([bit | n]) if n < 126 else
                  struct.pack("!BH", bit | 126, n) if n < 1 << 16 else
                  struct.pack("!BQ", bit | 127, n))
        if self.client:
            data = MASK + bytes(b ^ MASK[i % 4] for i, b in enumerate(data))
        self.sock.sendall(bytes([0x80 | flags | opcode]) + length + data)

    def receive(self):
        """A frame's opcode, RSV1 and payload; None at the end."""
        two = self.file.read(2)
        if len(two) < 2:
            return None
        n = two[1] & 127
        if n > 125:
            n = int.from_bytes(self.file.read(2 if n == 126 else 8), "big")
        key = self.file.read(4) if two[1] & 128 else bytes(4)
        data = self.file.read(n)
        data = bytes(b ^ key[i % 4] for i, b in enumerate(data))
        return two[0] & 15, two[0] & COMPRESSED, data

    def until(self, opcode):
        """The payload of the next frame of that kind; None at the end."""
        while frame := self.receive():
            if frame[0] == opcode:
                return frame[2]
        return None

    def close(self):
        self.file.close()
        self.sock.close()


def dial(port, path="/", extensions=None, fields=()):
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}",
             "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==",
             "Sec-WebSocket-Version: 13", *fields]
    if extensions:
        lines.append(f"Sec-WebSocket-Extensions: {extensions}")
    request = "\r\n".join(lines + ["", ""]).encode()
    sock = socket.create_connection(("127.0.0.1", port))
    return End(sock, True, request)


def connect(port):
    """To a program that may yet begin to listen."""
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(77)


def listen():
    sock = socket.create_server(("127.0.0.1", 0))
    sock.settimeout(PATIENCE)
    return sock


def free_port():
    """One that nobody listens at, for a program that takes it at once."""
    with listen() as sock:
        return sock.getsockname()[1]


def accept(listener, extensions=None):
    end = End(listener.accept()[0], False)
    key = end.field("Sec-WebSocket-Key").encode()
    digest = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket",
             "Connection: Upgrade", f"Sec-WebSocket-Accept: {digest}"]
    if extensions:
        lines.append(f"Sec-WebSocket-Extensions: {extensions}")
    end.sock.sendall("\r\n".join(lines + ["", ""]).encode())
    return end
