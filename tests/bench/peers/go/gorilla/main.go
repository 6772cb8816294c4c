// SPDX-License-Identifier: MIT

// gorilla [--deflate] [--tls] PORT: the echo server of gorilla/websocket, with
// its defaults.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/gorilla/websocket"
)

func main() {
	deflate := flag.Bool("deflate", false, "agree to permessage-deflate")
	tls := flag.Bool("tls", false, "wss, with cert.pem and key.pem")
	flag.Parse()

	upgrader := websocket.Upgrader{
		EnableCompression: *deflate,
		CheckOrigin:       func(*http.Request) bool { return true },
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, data, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, data) != nil {
				return
			}
		}
	}
	addr := "127.0.0.1:" + flag.Arg(0)
	if *tls {
		log.Fatal(http.ListenAndServeTLS(addr, "cert.pem", "key.pem",
			http.HandlerFunc(echo)))
	}
	log.Fatal(http.ListenAndServe(addr, http.HandlerFunc(echo)))
}
