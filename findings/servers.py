# SPDX-License-Identifier: MIT
"""Servers of others on a free port of 127.0.0.1, which they print."""

import asyncio


def run(start):
    """start is a coroutine function that returns the port."""
    async def main():
        print(await start(), flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


def serve_aiohttp():
    """One that reads, and says nothing by itself."""
    from aiohttp import web

    async def handle(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        return ws

    async def start():
        app = web.Application()
        app.router.add_get("/", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner.addresses[0][1]

    run(start)


def serve_tornado():
    """One that compresses, and sends back what comes."""
    from tornado import httpserver, netutil, web, websocket

    class Echo(websocket.WebSocketHandler):
        def get_compression_options(self):
            return {}

        def on_message(self, message):
            self.write_message(message)

    async def start():
        sockets = netutil.bind_sockets(0, "127.0.0.1")
        app = web.Application([("/", Echo)])
        httpserver.HTTPServer(app).add_sockets(sockets)
        return sockets[0].getsockname()[1]

    run(start)


def serve_websockets():
    import websockets

    async def start():
        server = await websockets.serve(lambda ws: ws.wait_closed(),
                                        "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    run(start)
