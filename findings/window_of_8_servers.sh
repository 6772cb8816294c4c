#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: servers that build on zlib treat server_max_window_bits=8, which RFC
#   7692, 7.1.2.1 allows, alike: they go on without compression.
# Seen: Python's websockets and aiohttp do; ws and faye agree to 8; Tornado
#   answers 500 to the whole handshake.
# With: websockets 17.4, aiohttp 3.14.5, Tornado 6.6.1, ws 8.23.0, faye-
#   websocket 0.11.4 with permessage-deflate 0.1.7; 28 November 2026.

. "$(dirname "$0")/common.sh"
pip_install websockets==17.4 aiohttp==3.14.5 tornado==6.6.1
npm_install ws@8.23.0 faye-websocket@0.11.4 permessage-deflate@0.1.7
cat >websockets_server.py <<'END'
import asyncio
import websockets

async def handle(ws):
    await ws.wait_closed()

async def main():
    server = await websockets.serve(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
END
cat >aiohttp_server.py <<'END'
import asyncio
from aiohttp import web

async def handle(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws

async def main():
    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
END
cat >tornado_server.py <<'END'
import asyncio
from tornado import httpserver, netutil, web, websocket

class Handler(websocket.WebSocketHandler):
    def get_compression_options(self):
        return {}

async def main():
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    app = web.Application([("/", Handler)])
    httpserver.HTTPServer(app).add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
END
venv/bin/python tornado_server.py >tornado_port 2>/dev/null &
peer=$!
cat >ws_server.js <<'END'
const { WebSocketServer } = require('ws');
const server = new WebSocketServer(
    { host: '127.0.0.1', port: 0, perMessageDeflate: true },
    () => console.log(server.address().port));
END
cat >faye_server.js <<'END'
const WebSocket = require('faye-websocket');
const extensions = [require('permessage-deflate')];
const server = require('http').createServer();
server.on('upgrade', (q, socket, body) =>
    new WebSocket(q, socket, body, null, { extensions }));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
END
for who in websockets aiohttp; do
    venv/bin/python "${who}_server.py" >"${who}_port" &
    peer="$peer $!"
done
for who in ws faye; do
    node "${who}_server.js" >"${who}_port" &
    peer="$peer $!"
done
cat >offer.py <<'END'
import sys
from raw import *

end = dial(int(sys.argv[2]),
           extensions="permessage-deflate; server_max_window_bits=8")
status = end.head.split()[1]
print(f"{sys.argv[1]}: {status}", end.field("Sec-WebSocket-Extensions"))
END
for who in websockets aiohttp tornado ws faye; do
    started "${who}_port"
    python3 offer.py "$who" "$(cat "${who}_port")"
done >seen
expect <<'END'
websockets: 101 None
aiohttp: 101 None
tornado: 500 None
ws: 101 permessage-deflate; server_max_window_bits=8
faye: 101 permessage-deflate; server_max_window_bits=8
END
