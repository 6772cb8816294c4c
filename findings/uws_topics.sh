#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a topic to subscribe to may have the wildcards of MQTT, whose syntax
#   the comments of uWebSockets' WebSocket.h speak of.
# Seen: it is a name like any other: who has subscribed to "room/#" and "room/+"
#   gets nothing of "room/1".
# With: uWebSockets 20 (that of socketify 0.0.31 for Python); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
pip_install socketify==0.0.31
cat >server.py <<'END'
import socketify
from raw import free_port

def opened(ws):
    for topic in "room/#", "room/+", "room/2":
        ws.subscribe(topic)

def publish(ws, message, opcode):
    for topic in "room/1", "room/2", "room/#":
        app.publish(topic, topic)

port, app = free_port(), socketify.App()
app.ws("/*", {"open": opened, "message": publish})
app.listen(port, lambda config: print(port, flush=True))
app.run()
END
venv/bin/python server.py >number &
peer=$!
cat >subscriber.py <<'END'
import sys
from raw import *

end = dial(int(sys.argv[1]))
end.send(TEXT, b"publish")
end.send(CLOSE, b"\x03\xe8")
while (frame := end.receive())[0] != CLOSE:
    print("received", frame[2].decode())
END
started number
python3 subscriber.py "$(cat number)" >seen
expect <<'END'
received room/2
received room/#
END
