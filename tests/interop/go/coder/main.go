// SPDX-License-Identifier: MIT

// coder_peer server              echoes; prints "listening PORT"
// coder_peer client URL SIZE...  as orders.py says
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

const compression = websocket.CompressionContextTakeover

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r,
		&websocket.AcceptOptions{CompressionMode: compression})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for {
		kind, data, err := c.Read(context.Background())
		if err != nil || c.Write(context.Background(), kind, data) != nil {
			return
		}
	}
}

func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr().(*net.TCPAddr).Port)
	return http.Serve(l, http.HandlerFunc(echo))
}

func text(n int) string {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte('a' + i*7%26)
	}
	return string(p)
}

func talk(url string, sizes []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url,
		&websocket.DialOptions{CompressionMode: compression})
	if err != nil {
		return err
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for _, size := range sizes {
		n, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		want := text(n)
		err = c.Write(ctx, websocket.MessageText, []byte(want))
		if err != nil {
			return err
		}
		_, got, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if string(got) == want {
			fmt.Println(len(got))
		} else {
			fmt.Println(len(got), "others")
		}
	}
	return c.Close(websocket.StatusNormalClosure, "")
}

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "server":
		err = serve()
	case len(os.Args) > 3 && os.Args[1] == "client":
		err = talk(os.Args[2], os.Args[3:])
	default:
		log.Fatal("usage: coder_peer server | client URL SIZE...")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
