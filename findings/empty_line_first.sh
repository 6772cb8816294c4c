#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: an empty line ahead of the request line is passed over, as RFC 9112,
#   section 2.2, says a server SHOULD.
# Seen: h11 and Go's net/http answer 400, also where there is only one; Node
#   takes the request, also behind two.
# With: h11 0.16.0 (0.14.0 is the same), Go 1.26.8, Node 20.20.2; 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs node
pip_install h11==0.16.0
go_server go_http <<'END'
package main

import "net/http"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {})
	serve()
}
END
cat >node.js <<'END'
const server = require('http').createServer((q, r) => r.end());
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
END
cat >ask.py <<'END'
import socket
import h11

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

def ask_h11(text):
    conn = h11.Connection(h11.SERVER)
    conn.receive_data(text)
    try:
        return type(conn.next_event()).__name__
    except h11.RemoteProtocolError as e:
        return f"{e.error_status_hint}: {e}"

def ask(file, text):
    with socket.create_connection(("127.0.0.1", int(open(file).read()))) as s:
        s.sendall(text)
        return s.makefile().readline().strip()

for lines in range(3):
    text = lines * b"\r\n" + REQUEST
    print("empty lines:", lines)
    print("  h11:", ask_h11(text))
    print("  Go:", ask("go.port", text))
    print("  Node:", ask("node.port", text))
END
./go_http >go.port &
peer=$!
node node.js >node.port &
peer="$peer $!"
started go.port node.port
venv/bin/python ask.py >seen
expect <<'END'
empty lines: 0
  h11: Request
  Go: HTTP/1.1 200 OK
  Node: HTTP/1.1 200 OK
empty lines: 1
  h11: 400: no request line received
  Go: HTTP/1.1 400 Bad Request
  Node: HTTP/1.1 200 OK
empty lines: 2
  h11: 400: no request line received
  Go: HTTP/1.1 400 Bad Request
  Node: HTTP/1.1 200 OK
END
