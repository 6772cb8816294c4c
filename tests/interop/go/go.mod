module silverback/interop

go 1.19

require github.com/coder/websocket v1.8.13

require github.com/gorilla/websocket v1.5.3

require golang.org/x/net v0.34.0
