#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a client that has none of the certificates that the server demands
#   fails in the handshake.
# Seen: with TLS 1.2 it does; with TLS 1.3 its handshake is done before the
#   server has judged it: it connects, its first write goes through, and only
#   a read tells.
# With: OpenSSL 3.0.22 (Debian's libssl3 3.0.22-1~deb12u2) by Python's ssl; 28
#   November 2026.

. "$(dirname "$0")/common.sh"
needs python3 openssl
debian libssl3 3.0.22-1~deb12u2
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout key.pem -out cert.pem -subj /CN=localhost -days 2 2>openssl.log ||
    exit 77
cat >demand.py <<'END'
import socket
import ssl
import threading

def serve(context, sock):
    try:
        context.wrap_socket(sock, server_side=True)
    except ssl.SSLError:
        pass

def attempt(version):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain("cert.pem", "key.pem")
    server.load_verify_locations("cert.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    server.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:
        a = socket.create_connection(listener.getsockname())
        b, _ = listener.accept()
    # The refusal closes a descriptor, not the connection.
    thread = threading.Thread(target=serve, args=(server, b.dup()))
    thread.start()
    try:
        client = ssl.create_default_context(cafile="cert.pem")
        step = "handshake"
        conn = client.wrap_socket(a, server_hostname="localhost")
        print(f"{version.name} handshake: done")
        step = "write"
        conn.send(b"GET / HTTP/1.1\r\n")
        print(f"{version.name} write: done")
        step = "read"
        conn.recv(100)
    except OSError:
        print(f"{version.name} {step}: fails")
    thread.join()

attempt(ssl.TLSVersion.TLSv1_2)
attempt(ssl.TLSVersion.TLSv1_3)
END
python3 demand.py >seen
expect <<'END'
TLSv1_2 handshake: fails
TLSv1_3 handshake: done
TLSv1_3 write: done
TLSv1_3 read: fails
END
