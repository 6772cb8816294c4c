// SPDX-License-Identifier: MIT

// go_peer server [--tls CERT KEY] [--deflate]  echoes; prints "listening PORT"
// go_peer client URL [--ca FILE] [--deflate]   talks to an echo server, and prints
// each case
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

var deflate bool

func echo(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{EnableCompression: deflate}
	c, err := up.Upgrade(w, r, nil)
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

func serve(pair []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr().(*net.TCPAddr).Port)
	if pair != nil {
		return http.ServeTLS(l, http.HandlerFunc(echo), pair[0], pair[1])
	}
	return http.Serve(l, http.HandlerFunc(echo))
}

func report(name string, err error) {
	if err != nil {
		fmt.Printf("not ok %s: %v\n", name, err)
	} else {
		fmt.Printf("ok %s\n", name)
	}
}

func text(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte('a' + i*7%26)
	}
	return p
}

func binary(n int) []byte {
	p := make([]byte, n)
	x := uint32(n + 1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// expect reads one message, which must be this one.
func expect(c *websocket.Conn, kind int, want []byte) error {
	gotKind, got, err := c.ReadMessage()
	switch {
	case err != nil:
		return err
	case gotKind != kind:
		return fmt.Errorf("expected type %d, got %d", kind, gotKind)
	case !bytes.Equal(got, want):
		return fmt.Errorf("%d bytes came back other than sent", len(got))
	}
	return nil
}

func roundTrip(c *websocket.Conn, kind int, data []byte) error {
	if err := c.WriteMessage(kind, data); err != nil {
		return err
	}
	return expect(c, kind, data)
}

func ping(c *websocket.Conn) error {
	pong := ""
	c.SetPongHandler(func(data string) error {
		pong = data
		return nil
	})
	err := c.WriteControl(websocket.PingMessage, []byte("are you there"),
		time.Now().Add(10*time.Second))
	if err == nil {
		err = roundTrip(c, websocket.TextMessage, []byte("behind the ping"))
	}
	if err == nil && pong != "are you there" {
		err = fmt.Errorf("the pong was %q", pong)
	}
	return err
}

// fragments relies on a write buffer of 4096 bytes: each time it is full, a
// frame goes out.
func fragments(c *websocket.Conn) error {
	data := binary(20000)
	w, err := c.NextWriter(websocket.BinaryMessage)
	for at := 0; err == nil && at < len(data); at += 1000 {
		_, err = w.Write(data[at : at+1000])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	return expect(c, websocket.BinaryMessage, data)
}

func closing(c *websocket.Conn) error {
	payload := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "bye")
	err := c.WriteControl(websocket.CloseMessage, payload,
		time.Now().Add(10*time.Second))
	if err != nil {
		return err
	}
	_, _, err = c.ReadMessage()
	if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		return nil
	}
	return fmt.Errorf("expected close 1000, got: %v", err)
}

func agreed(resp *http.Response) error {
	got := resp.Header.Get("Sec-WebSocket-Extensions")
	if strings.HasPrefix(got, "permessage-deflate") != deflate {
		return fmt.Errorf("the answer's extensions are %q", got)
	}
	return nil
}

// trust verifies with what is in a file alone; nil: with the system's roots.
func trust(ca []string) (*tls.Config, error) {
	if ca == nil {
		return nil, nil
	}
	pem, err := os.ReadFile(ca[0])
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(pem) {
		err = fmt.Errorf("%s: no certificate", ca[0])
	}
	return &tls.Config{RootCAs: roots}, err
}

func talk(url string, ca []string) error {
	config, err := trust(ca)
	if err != nil {
		return err
	}
	d := websocket.Dialer{EnableCompression: deflate, TLSClientConfig: config}
	c, resp, err := d.Dial(url, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(60 * time.Second))

	report("compression as asked", agreed(resp))
	sizes := []int{0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, 1 << 20}
	for _, n := range sizes {
		report(fmt.Sprintf("text of %d bytes", n),
			roundTrip(c, websocket.TextMessage, text(n)))
		report(fmt.Sprintf("binary of %d bytes", n),
			roundTrip(c, websocket.BinaryMessage, binary(n)))
	}
	report("text of many-byte characters", roundTrip(c, websocket.TextMessage,
		[]byte(strings.Repeat("größer, 你好, 🦍; ", 3000))))
	err = roundTrip(c, websocket.BinaryMessage, binary(230))
	if err == nil {
		err = roundTrip(c, websocket.BinaryMessage, binary(230))
	}
	report("the same again", err)
	report("the same far behind", roundTrip(c, websocket.BinaryMessage,
		bytes.Repeat(binary(20000), 2)))
	report("ping", ping(c))
	report("fragments", fragments(c))
	report("close", closing(c))
	return nil
}

// take removes an option with so many arguments, and returns them; nil if it is
// not there.
func take(args []string, name string, count int) (rest, taken []string) {
	for i, arg := range args {
		if arg == name && i+count < len(args) {
			taken = append([]string{}, args[i+1:i+1+count]...)
			return append(args[:i], args[i+1+count:]...), taken
		}
	}
	return args, nil
}

func main() {
	args, pair := take(os.Args[1:], "--tls", 2)
	args, ca := take(args, "--ca", 1)
	args, on := take(args, "--deflate", 0)
	deflate = on != nil
	var err error
	switch {
	case len(args) == 1 && args[0] == "server":
		err = serve(pair)
	case len(args) == 2 && args[0] == "client":
		err = talk(args[1], ca)
	default:
		err = fmt.Errorf("usage: go_peer server [--tls CERT KEY] | " +
			"client URL [--ca FILE]  [--deflate]")
	}
	if err != nil {
		log.Fatal(err)
	}
}
