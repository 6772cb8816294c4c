#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a server that has none of the subprotocols that a client asks for
#   answers 101 without one (RFC 6455, 4.2.2), or refuses with a status.
# Seen: gorilla answers so. libwebsockets ends the connection without a byte.
#   uWebSockets, whose program says nothing of subprotocols, agrees to the first
#   that was asked for.
# With: gorilla/websocket 1.5.3 (Go), libwebsockets 4.1.6 (Debian's 4.1.6-3),
#   uWebSockets 20 (that of socketify 0.0.31 for Python); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs cc python3
debian libwebsockets-dev 4.1.6-3
pip_install socketify==0.0.31
cc -x c -I"$here" -o lws - -lwebsockets <<'END' || exit 77
#include "lws_server.h"

int main(void)
{
    static const struct lws_protocols protocols[] = {
        { .name = "chat.v1", .callback = lws_server_show },
        { 0 },
    };
    return lws_server_run(protocols);
}
END
go_server gorilla github.com/gorilla/websocket@v1.5.3 <<'END'
package main

import (
	"net/http"

	"github.com/gorilla/websocket"
)

func main() {
	u := websocket.Upgrader{Subprotocols: []string{"chat.v1"}}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if c, err := u.Upgrade(w, r, nil); err == nil {
			c.ReadMessage()
		}
	})
	serve()
}
END
cat >uws.py <<'END'
import socketify
from raw import free_port

port, app = free_port(), socketify.App()
app.ws("/*", {"message": lambda ws, message, opcode: None})
app.listen(port, lambda config: print(port, flush=True))
app.run()
END
./gorilla >gorilla_port &
peer=$!
./lws >lws_port &
peer="$peer $!"
venv/bin/python uws.py >uws_port &
peer="$peer $!"
cat >ask.py <<'END'
import sys
from raw import *

for who, port in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        end = dial(int(port), fields=["Sec-WebSocket-Protocol: v9, v8"])
        print(f"{who}: {end.head.split()[1]},",
              end.field("Sec-WebSocket-Protocol"))
        end.close()
    except EOFError:
        print(f"{who}: the end of the stream")
END
started gorilla_port lws_port uws_port
python3 ask.py gorilla "$(cat gorilla_port)" \
    libwebsockets "$(head -n 1 lws_port)" uWebSockets "$(cat uws_port)" >seen
expect <<'END'
gorilla: 101, None
libwebsockets: the end of the stream
uWebSockets: 101, v9
END
