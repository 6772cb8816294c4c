// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"net/http"
)

// What http.HandleFunc has been told of, at a port of the kernel's choice,
// which it prints.
func serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	http.Serve(l, nil)
}
