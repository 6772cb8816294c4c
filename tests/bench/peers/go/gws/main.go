// SPDX-License-Identifier: MIT

// gws [--deflate] [--tls] PORT: the echo server of lxzan/gws.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/lxzan/gws"
)

const largest = 64 << 20

type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	if c.WriteMessage(m.Opcode, m.Bytes()) != nil {
		c.NetConn().Close()
	}
}

func main() {
	deflate := flag.Bool("deflate", false, "agree to permessage-deflate")
	tls := flag.Bool("tls", false, "wss, with cert.pem and key.pem")
	flag.Parse()

	// Text is checked to be UTF-8, as the others do.
	upgrader := gws.NewUpgrader(echo{}, &gws.ServerOption{
		CheckUtf8Enabled:    true,
		PermessageDeflate:   gws.PermessageDeflate{Enabled: *deflate},
		ReadMaxPayloadSize:  largest,
		WriteMaxPayloadSize: largest,
	})
	serve := func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		// The request and its buffers are let go of.
		go c.ReadLoop()
	}
	addr := "127.0.0.1:" + flag.Arg(0)
	if *tls {
		log.Fatal(http.ListenAndServeTLS(addr, "cert.pem", "key.pem",
			http.HandlerFunc(serve)))
	}
	log.Fatal(http.ListenAndServe(addr, http.HandlerFunc(serve)))
}
