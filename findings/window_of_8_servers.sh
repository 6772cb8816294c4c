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
for who in websockets aiohttp tornado; do
    serve "$who" >"${who}_port" 2>/dev/null &
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
