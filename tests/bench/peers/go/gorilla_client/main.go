// SPDX-License-Identifier: MIT

// gorilla_client [OPTION...] PORT: a client by gorilla/websocket with the
// options of bench_client, that prints what it took itself.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

var (
	connections = flag.Int("connections", 64, "how many")
	size        = flag.Int("size", 20, "bytes of a message")
	binary      = flag.Bool("binary", false, "not text")
	deflate     = flag.Bool("deflate", false, "permessage-deflate")
	secure      = flag.Bool("tls", false, "wss; the certificate is cert.pem")
	connect     = flag.Bool("connect", false, "dial and close")
	resume      = flag.Bool("resume", false, "sessions of TLS")
	seconds     = flag.Float64("seconds", 1, "how long to measure")
	warmup      = flag.Float64("warmup", 0.2, "after how long")
)

var (
	dialer  = websocket.Dialer{}
	url     string
	message []byte
	timing  atomic.Bool
	over    atomic.Bool
	count   atomic.Int64
	lock    sync.Mutex
	took    []time.Duration
)

func setup() {
	dialer.EnableCompression = *deflate
	scheme := "ws"
	if *secure {
		scheme = "wss"
		pem, err := os.ReadFile("cert.pem")
		if err != nil {
			log.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		dialer.TLSClientConfig = &tls.Config{RootCAs: roots}
		if *resume {
			dialer.TLSClientConfig.ClientSessionCache =
				tls.NewLRUClientSessionCache(*connections)
		}
	}
	url = scheme + "://127.0.0.1:" + flag.Arg(0) + "/"
	trade := `{"trade":714296,"pair":"EURUSD","side":"buy","price":132.4296},`
	message = []byte(strings.Repeat(trade, *size/len(trade)+1)[:*size])
}

func dial() *websocket.Conn {
	c, _, err := dialer.Dial(url, nil)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func exchange(c *websocket.Conn) {
	kind := websocket.TextMessage
	if *binary {
		kind = websocket.BinaryMessage
	}
	if err := c.WriteMessage(kind, message); err != nil {
		log.Fatal(err)
	}
	if _, data, err := c.ReadMessage(); err != nil || len(data) != *size {
		log.Fatal(len(data), err)
	}
}

func dialAndClose() {
	c := dial()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := c.WriteMessage(websocket.CloseMessage, bye); err != nil {
		log.Fatal(err)
	}
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err,
		websocket.CloseNormalClosure) {
		log.Fatal(err)
	}
	c.Close()
}

// work does one thing after the other, and notes how long each took.
func work() {
	var mine []time.Duration
	step := dialAndClose
	if !*connect {
		c := dial()
		defer c.Close()
		step = func() { exchange(c) }
	}
	for !over.Load() {
		since := time.Now()
		step()
		count.Add(1)
		if timing.Load() {
			mine = append(mine, time.Since(since))
		}
	}
	lock.Lock()
	took = append(took, mine...)
	lock.Unlock()
}

func usage() (cpu time.Duration, rss int64) {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Maxrss
}

func micro(d time.Duration) float64 { return float64(d) / 1e3 }

func main() {
	flag.Parse()
	setup()
	var all sync.WaitGroup
	for i := 0; i < *connections; i++ {
		all.Add(1)
		go func() { defer all.Done(); work() }()
	}
	time.Sleep(time.Duration(*warmup * 1e9))
	n, since := count.Load(), time.Now()
	cpu, _ := usage()
	timing.Store(true)
	time.Sleep(time.Duration(*seconds * 1e9))
	timing.Store(false)
	n = count.Load() - n
	after, rss := usage()
	cpu, elapsed := after-cpu, time.Since(since)
	over.Store(true)
	all.Wait()
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	if n == 0 || len(took) == 0 {
		log.Fatal("nothing came")
	}
	fmt.Printf(`{"count": %d, "seconds": %.6f, "per_second": %.1f, `, n,
		elapsed.Seconds(), float64(n)/elapsed.Seconds())
	fmt.Printf(`"cpu_us": %.4f, "client_busy": %.3f, "p50_us": %.1f, `,
		micro(cpu)/float64(n), float64(cpu)/float64(elapsed),
		micro(took[len(took)/2]))
	fmt.Printf(`"p99_us": %.1f, "rss_kib": %d}`+"\n",
		micro(took[len(took)*99/100]), rss)
}
