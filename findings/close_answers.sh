#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a close frame is answered with its own code (RFC 6455, 5.5.1), an
#   empty one with an empty one.
# Seen: two of three answer 1000 to every code, and all three answer an empty
#   one with 1000.
# With: aiohttp 3.14.5 as server, websocket-client 1.9.2 as client, faye-
#   websocket 0.11.4 as server; 28 November 2026.

. "$(dirname "$0")/common.sh"
pip_install aiohttp==3.14.5 websocket-client==1.9.2
npm_install faye-websocket@0.11.4
cat >faye_server.js <<'END'
const WebSocket = require('faye-websocket');
const server = require('http').createServer();
server.on('upgrade', (q, socket, body) => new WebSocket(q, socket, body));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
END
cat >close.py <<'END'
import sys, threading, websocket
from raw import *

def text(payload):
    if payload:
        code = int.from_bytes(payload[:2], "big")
        return f"{code} {payload[2:].decode()}".strip()
    return "nothing" if payload is None else "empty"

def show(who, reach):
    for sent in b"", b"\x0f\xa1bye":
        end = reach()
        end.send(CLOSE, sent)
        print(f"{who}: to {text(sent)}: {text(end.until(CLOSE))}")
        end.close()

def as_client():
    listener = listen()
    port = listener.getsockname()[1]
    threading.Thread(target=lambda: websocket.create_connection(
        f"ws://127.0.0.1:{port}").recv()).start()
    return accept(listener)

for who, port in zip(sys.argv[1::2], sys.argv[2::2]):
    show(who, lambda: dial(int(port)))
show("websocket-client", as_client)
END
serve aiohttp >aiohttp_port &
peer=$!
node faye_server.js >faye_port &
peer="$peer $!"
started aiohttp_port faye_port
venv/bin/python close.py aiohttp "$(cat aiohttp_port)" \
    faye "$(cat faye_port)" >seen
expect <<'END'
aiohttp: to empty: 1000
aiohttp: to 4001 bye: 1000
faye: to empty: 1000
faye: to 4001 bye: 4001 bye
websocket-client: to empty: 1000
websocket-client: to 4001 bye: 1000
END
