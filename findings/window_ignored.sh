#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a server that takes an offer with server_max_window_bits=9 agrees to
#   9 or less (RFC 7692, 7.1.2.1), and sets client_max_window_bits only if it
#   was offered (7.1.2.2).
# Seen: gorilla agrees without a word of windows; gws agrees to 12, and to a
#   window of the client that was not offered.
# With: gorilla/websocket 1.5.3, lxzan/gws 1.8.9 (Go); 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
go_server server github.com/gorilla/websocket@v1.5.3 \
    github.com/lxzan/gws@v1.8.9 <<'END'
package main

import (
	"net/http"

	"github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

func main() {
	g := websocket.Upgrader{EnableCompression: true}
	w := gws.NewUpgrader(&gws.BuiltinEventHandler{}, &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{Enabled: true,
			ServerContextTakeover: true, ClientContextTakeover: true}})
	http.HandleFunc("/gorilla", func(rw http.ResponseWriter, r *http.Request) {
		if c, err := g.Upgrade(rw, r, nil); err == nil {
			c.ReadMessage()
		}
	})
	http.HandleFunc("/gws", func(rw http.ResponseWriter, r *http.Request) {
		if c, err := w.Upgrade(rw, r); err == nil {
			c.ReadLoop()
		}
	})
	serve()
}
END
./server >number &
peer=$!
cat >offer.py <<'END'
import sys
from raw import *

for path in "gorilla", "gws":
    end = dial(int(sys.argv[1]), "/" + path,
               "permessage-deflate; server_max_window_bits=9")
    print(path + ":")
    for part in end.field("Sec-WebSocket-Extensions").split(";")[1:]:
        print(" ", part.strip())
    end.close()
END
started number
python3 offer.py "$(cat number)" >seen
expect <<'END'
gorilla:
  server_no_context_takeover
  client_no_context_takeover
gws:
  server_max_window_bits=12
  client_max_window_bits=12
END
