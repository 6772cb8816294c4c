#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a library that can inflate what ends in a last block (BFINAL, RFC
#   7692, 7.2.3.4) goes on to the next message, or fails.
# Seen: that message arrives, each later compressed one arrives empty, and
#   nothing fails; messages sent plain are as they were.
# With: undici 6.24.1 (the WebSocket of Node 20 is the same); 28 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3
npm_install undici@6.24.1
cat >client.js <<'END'
const { WebSocket } = require('undici');
const w = new WebSocket('ws://127.0.0.1:' + process.argv[2]);
w.onmessage = (e) => console.log('a message of', e.data.length);
w.onclose = (e) => console.log('closed with', e.code, e.wasClean);
w.onerror = () => console.log('an error');
END
cat >server.py <<'END'
import subprocess
from raw import *

for last in False, True:
    print("first message with BFINAL:", last, flush=True)
    listener = listen()
    client = subprocess.Popen(
        ["node", "client.js", str(listener.getsockname()[1])])
    end = accept(listener, "permessage-deflate; server_no_context_takeover")
    end.send(TEXT, deflated(b"x" * 1000, last), COMPRESSED)
    end.send(TEXT, deflated(b"y" * 20), COMPRESSED)
    end.send(TEXT, deflated(b"y" * 2000), COMPRESSED)
    end.send(TEXT, b"plain")
    end.send(CLOSE, b"\x03\xe8")
    end.until(CLOSE)
    end.close()
    client.wait(30)
END
python3 server.py >seen
expect <<'END'
first message with BFINAL: False
a message of 1000
a message of 20
a message of 2000
a message of 5
closed with 1000 true
first message with BFINAL: True
a message of 1000
a message of 0
a message of 0
a message of 5
closed with 1000 true
END
