// SPDX-License-Identifier: MIT

// The other ends of the examples, on the two libraries of Go, xnet
// (golang.org/x/net/websocket) and gorilla; each prints what it receives.
//
// book_peer LIBRARY greet              a server: ten greetings, each sent back;
//
//	prints "listening PORT" first
//
// book_peer LIBRARY echo               a server that echoes, likewise
// book_peer LIBRARY return URL ORIGIN  a client that sends everything back, and
//
//	prints how it ended
//
// book_peer LIBRARY send URL ORIGIN TEXT...
//
//	a client that sends each and waits for
//	the answer
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
	xnet "golang.org/x/net/websocket"
)

type conn interface {
	send(text string) error
	receive() (string, error)
}

type xnetConn struct{ *xnet.Conn }

func (c xnetConn) send(text string) error {
	return xnet.Message.Send(c.Conn, text)
}

func (c xnetConn) receive() (text string, err error) {
	err = xnet.Message.Receive(c.Conn, &text)
	return
}

type gorillaConn struct{ *websocket.Conn }

func (c gorillaConn) send(text string) error {
	return c.WriteMessage(websocket.TextMessage, []byte(text))
}

func (c gorillaConn) receive() (string, error) {
	_, data, err := c.ReadMessage()
	return string(data), err
}

func xnetHandler(f func(conn)) http.Handler {
	return xnet.Handler(func(c *xnet.Conn) { f(xnetConn{c}) })
}

func xnetDial(url, origin string) (conn, error) {
	c, err := xnet.Dial(url, "", origin)
	return xnetConn{c}, err
}

func gorillaHandler(f func(conn)) http.Handler {
	up := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024,
		CheckOrigin: func(*http.Request) bool { return true }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Upgrade(w, r, nil); err == nil {
			defer c.Close()
			f(gorillaConn{c})
		}
	})
}

func gorillaDial(url, origin string) (conn, error) {
	header := http.Header{"Origin": {origin}}
	c, _, err := websocket.DefaultDialer.Dial(url, header)
	return gorillaConn{c}, err
}

var libraries = map[string]struct {
	handler func(func(conn)) http.Handler
	dial    func(url, origin string) (conn, error)
}{
	"xnet":    {xnetHandler, xnetDial},
	"gorilla": {gorillaHandler, gorillaDial},
}

func greet(c conn) {
	for n := 0; n < 10; n++ {
		if c.send(fmt.Sprintf("Hello %d", n)) != nil {
			return
		}
		text, err := c.receive()
		if err != nil {
			fmt.Println("Can't receive:", err)
			return
		}
		fmt.Println(text)
	}
}

func giveBack(c conn) {
	for {
		text, err := c.receive()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(text)
		if err := c.send(text); err != nil {
			fmt.Println(err)
			return
		}
	}
}

func sendAll(c conn, texts []string) {
	for _, text := range texts {
		if err := c.send(text); err != nil {
			log.Fatal(err)
		}
		answer, err := c.receive()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer)
	}
}

func serve(h http.Handler) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", l.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(l, h))
}

func main() {
	library := libraries[os.Args[1]]
	switch os.Args[2] {
	case "greet":
		serve(library.handler(greet))
	case "echo":
		serve(library.handler(giveBack))
	}
	c, err := library.dial(os.Args[3], os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	if os.Args[2] == "return" {
		giveBack(c)
	} else {
		sendAll(c, os.Args[5:])
	}
}
