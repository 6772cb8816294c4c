# SPDX-License-Identifier: MIT
"""A TCP relay that keeps a record of what passes: WebSocket frames, or records
of TLS."""

import collections
import contextlib
import socket
import threading

Frame = collections.namedtuple(
    "Frame", "fin rsv1 opcode masked length start key")

CONTINUATION, TEXT, BINARY, CLOSE = 0, 1, 2, 8
CONTROL = 8  # the bit that control frames have in their opcode

CHANGE_CIPHER, HANDSHAKE, ENCRYPTED = 20, 22, 23
TLS_HEAD, TLS_MOST = 5, 5 + (1 << 14) + 256


class Recorder:
    """One direction: bytes in, frames out (RFC 6455, section 5.2).  Payloads
    are kept of control frames only, of others their first byte."""

    def __init__(self):
        self.frames = []
        self.head = b""
        self._bytes = bytearray()
        self._skip = 0

    def feed(self, data):
        self._bytes += data
        if not self.head:
            head, end, rest = self._bytes.partition(b"\r\n\r\n")
            if not end:
                return
            self.head, self._bytes = bytes(head), rest
        while self._step():
            pass

    def _step(self):
        """Take a frame off the front, or what is there of a payload."""
        if self._skip:
            n = min(self._skip, len(self._bytes))
            del self._bytes[:n]
            self._skip -= n
            return n > 0
        p = self._bytes
        if len(p) < 2:
            return False
        extended = {126: 2, 127: 8}.get(p[1] & 127, 0)
        masked = p[1] >> 7
        size = 2 + extended + 4 * masked
        if len(p) < size:
            return False
        length = (int.from_bytes(p[2:2 + extended], "big")
                  if extended else p[1] & 127)
        opcode = p[0] & 15
        kept = length if opcode & CONTROL else min(length, 1)
        if len(p) < size + kept:
            return False
        key = bytes(p[size - 4:size]) if masked else bytes(4)
        start = bytes(b ^ key[i % 4]
                      for i, b in enumerate(p[size:size + kept]))
        self.frames.append(Frame(p[0] >> 7, p[0] >> 6 & 1, opcode, masked,
                                 length, start, key))
        del p[:size]
        self._skip = length
        return True

    def compressed(self):
        return sum(f.rsv1 for f in self.frames if f.opcode in (TEXT, BINARY))

    def in_last_blocks(self):
        """Messages whose first block says that it is the last of a stream
        (BFINAL, RFC 1951, section 3.2.3)."""
        return sum(f.rsv1 and f.start[0] & 1 for f in self.frames if f.start)

    def extensions(self):
        """Those that the answer names, as a list of sets of parameters."""
        for line in self.head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "sec-websocket-extensions":
                return [{p.strip() for p in extension.split(";")}
                        for extension in value.split(",")]
        return []

    def looked_back(self):
        """Of 230 bytes of noise, sent twice: whether the second is little more
        than a reference to the first.  None when they cannot be found."""
        sizes = [f.length for f in self.frames if f.opcode == BINARY]
        noise = [i for i, n in enumerate(sizes) if 225 < n < 250]
        if not noise or noise[1:] not in ([], [noise[0] + 1]):
            return None
        return len(noise) == 1 and sizes[noise[0] + 1] < 60

    def fragmented(self):
        return sum(f.opcode == CONTINUATION for f in self.frames)

    def closes(self):
        return [int.from_bytes(f.start[:2], "big")
                for f in self.frames if f.opcode == CLOSE]


class TlsRecorder:
    """One direction of TLS: bytes in, the types of its records out (RFC 8446,
    section 5.1)."""

    def __init__(self):
        self.types = []
        self.count = 0  # of bytes
        self._bytes = bytearray()

    def feed(self, data):
        self.count += len(data)
        self._bytes += data
        p, at = self._bytes, 0
        while len(p) - at >= TLS_HEAD:
            size = TLS_HEAD + int.from_bytes(p[at + 3:at + TLS_HEAD], "big")
            if len(p) - at < size:
                break
            self.types.append(p[at] if p[at + 1] == 3 and size <= TLS_MOST
                              else None)
            at += size
        del p[:at]

    def only_tls(self):
        """A handshake first, then what is encrypted, and nothing cut."""
        return (self.types[:1] == [HANDSHAKE] and not self._bytes
                and self.types[-1] == ENCRYPTED
                and {*self.types} <= {HANDSHAKE, CHANGE_CIPHER, ENCRYPTED})


class Relay:
    """Takes one connection at self.port, and passes it on to the target."""

    def __init__(self, target, recorder=Recorder):
        self.to_server, self.to_client = recorder(), recorder()
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        self._ends = client, server
        back = threading.Thread(target=_pump, daemon=True,
                                args=(server, client, self.to_client))
        back.start()
        _pump(client, server, self.to_server)
        back.join()
        client.close()
        server.close()

    def cut(self):
        """End the connection that was taken, at both sides."""
        for end in self._ends:
            with contextlib.suppress(OSError):  # the other end's took it along
                end.shutdown(socket.SHUT_RDWR)

    def join(self, timeout):
        """True once both directions have ended."""
        self._thread.join(timeout)
        self._listener.close()
        return not self._thread.is_alive()


def _pump(source, sink, recorder):
    try:
        while data := source.recv(65536):
            recorder.feed(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # reset, or gone: the cases tell whether that was a fault
