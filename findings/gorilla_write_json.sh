#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: WriteJSON sends what json.Marshal makes of a value, and nothing of a
#   value that it returns an error for.
# Seen: a newline stands behind each value; and with the error the peer gets an
#   empty text message, which is no JSON.
# With: gorilla/websocket 1.5.3 (Go); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
go_server server github.com/gorilla/websocket@v1.5.3 <<'END'
package main

import (
	"fmt"
	"net/http"

	"github.com/gorilla/websocket"
)

func main() {
	u := websocket.Upgrader{}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Println("of a number:", c.WriteJSON(1))
		fmt.Println("of a channel:", c.WriteJSON(make(chan int)))
		fmt.Println("of a number:", c.WriteJSON(2))
		c.ReadMessage()
	})
	serve()
}
END
./server >said &
peer=$!
cat >receive.py <<'END'
import sys
from raw import *

end = dial(int(sys.argv[1]))
for _ in range(3):
    print("received:", end.until(TEXT))
END
started said
python3 receive.py "$(head -n 1 said)" >received
{ tail -n +2 said; cat received; } >seen
expect <<'END'
of a number: <nil>
of a channel: json: unsupported type: chan int
of a number: <nil>
received: b'1\n'
received: b''
received: b'2\n'
END
