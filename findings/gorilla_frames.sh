#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a message that a server writes in one call is one frame, as with
#   WriteMessage.
# Seen: so it is, unless it is compressed, which makes a frame of each 4 KiB
#   that come of it; and of one Write to a NextWriter, which is more than twice
#   the write buffer, an empty last frame follows.
# With: gorilla/websocket 1.5.3 (Go); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
go_server server github.com/gorilla/websocket@v1.5.3 <<'END'
package main

import (
	"encoding/hex"
	"math/rand"
	"net/http"

	"github.com/gorilla/websocket"
)

func main() {
	random := make([]byte, 10000)
	rand.New(rand.NewSource(1)).Read(random)
	data := []byte(hex.EncodeToString(random))
	u := websocket.Upgrader{EnableCompression: true, WriteBufferSize: 4096}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		c.WriteMessage(websocket.BinaryMessage, data)
		writer, err := c.NextWriter(websocket.BinaryMessage)
		if err == nil {
			writer.Write(data)
			writer.Close()
		}
		c.ReadMessage()
	})
	serve()
}
END
./server >number &
peer=$!
cat >frames.py <<'END'
import sys
from raw import *

def show(what, end):
    """The sizes of the frames of the next message."""
    sizes, fin = [], False
    while not fin:
        fin = end.file.peek(1)[0] & 0x80
        sizes.append(len(end.receive()[2]))
    print(what, *[n if n in (0, 4096, 20000) else "the rest" for n in sizes])

port = int(sys.argv[1])
end = dial(port)
show("WriteMessage:", end)
show("NextWriter:", end)
end.close()
end = dial(port, "/", "permessage-deflate; client_no_context_takeover; "
           "server_no_context_takeover")
show("WriteMessage, compressed:", end)
END
started number
python3 frames.py "$(cat number)" >seen
expect <<'END'
WriteMessage: 20000
NextWriter: 20000 0
WriteMessage, compressed: 4096 4096 the rest
END
