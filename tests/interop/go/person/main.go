// SPDX-License-Identifier: MIT

// The other ends of person_json and person_xml, on golang.org/x/net/websocket.
//
// person_peer json|xml server      prints "listening PORT", then each person
// person_peer json|xml client URL  sends one
package main

import (
	"encoding/xml"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"golang.org/x/net/websocket"
)

type Person struct {
	Name   string
	Emails []string
}

func marshalXML(v any) ([]byte, byte, error) {
	data, err := xml.Marshal(v)
	return data, websocket.TextFrame, err
}

func unmarshalXML(data []byte, _ byte, v any) error {
	return xml.Unmarshal(data, v)
}

var codecs = map[string]websocket.Codec{
	"json": websocket.JSON,
	"xml":  {Marshal: marshalXML, Unmarshal: unmarshalXML},
}

func serve(codec websocket.Codec) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", l.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(l, websocket.Handler(func(c *websocket.Conn) {
		var p Person
		if err := codec.Receive(c, &p); err != nil {
			fmt.Println("Can't receive:", err)
			return
		}
		fmt.Println("Name: " + p.Name)
		for _, e := range p.Emails {
			fmt.Println("An email: " + e)
		}
	})))
}

// What the server makes of it shows there: the book's client does not wait.
func send(codec websocket.Codec, url string) {
	c, err := websocket.Dial(url, "", "http://localhost")
	if err != nil {
		log.Fatal(err)
	}
	p := Person{"Jan", []string{"ja@newmarch.name", "jan.newmarch@gmail.com"}}
	if err := codec.Send(c, p); err != nil {
		log.Fatal(err)
	}
}

func main() {
	if codec := codecs[os.Args[1]]; os.Args[2] == "server" {
		serve(codec)
	} else {
		send(codec, os.Args[3])
	}
}
