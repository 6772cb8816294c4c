#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a client's largest message is the same whether it was compressed or
#   not.
# Seen: 5 MiB arrive when they were sent plain; compressed, 4 MiB do and 5 MiB
#   end the connection, without a close frame.
# With: undici 6.24.1 (the WebSocket of Node 20 is the same); 28 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3
npm_install undici@6.24.1
cat >client.js <<'END'
const { WebSocket } = require('undici');
const w = new WebSocket('ws://127.0.0.1:' + process.argv[2]);
w.onmessage = (e) => console.log('a message of', e.data.length);
w.onclose = (e) => console.log('closed with', e.code);
END
cat >server.py <<'END'
import subprocess
from raw import *

MIB = 1 << 20
listener = listen()
client = subprocess.Popen(["node", "client.js", str(listener.getsockname()[1])])
end = accept(listener, "permessage-deflate; server_no_context_takeover")
end.send(TEXT, b"x" * (5 * MIB))
end.send(TEXT, deflated(b"x" * (4 * MIB)), COMPRESSED)
end.send(TEXT, deflated(b"x" * (5 * MIB)), COMPRESSED)
close = end.until(CLOSE)
client.wait(30)
print("close frame:", close)
END
python3 server.py >seen
expect <<'END'
a message of 5242880
a message of 4194304
closed with 1006
close frame: None
END
