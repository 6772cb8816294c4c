# SPDX-License-Identifier: MIT
"""A proxy in front of a server that may take TLS off, and may be cut; it changes
nothing else."""

import asyncio
import contextlib
import ssl
import threading


class Front:
    """Listens at self.port until it is closed."""

    def __init__(self, target, certificate=None):
        self._target = target
        self._is_cut, self._open = False, set()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)
        self._server = self._loop.run_until_complete(asyncio.start_server(
            self._serve, "127.0.0.1", 0,
            ssl=certificate and _context(certificate)))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _serve(self, *client):
        try:
            if self._is_cut:
                raise ConnectionError
            server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # it has gone
            client[1].close()
            return
        ends = {client[1], server[1]}
        self._open |= ends
        await asyncio.gather(_pump(client[0], server[1]),
                             _pump(server[0], client[1]))
        self._open -= ends

    def cut(self):
        """Break all connections, and let no other one through."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self):
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self):
        self._is_cut = False

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def _context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


async def _pump(source, sink):
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
