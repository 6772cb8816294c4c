#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: what bounds the silence of an upgraded connection is, of Apache,
#   ProxyTimeout, whose manual says "timeout for proxied requests"; and HAProxy
#   ends it for the server with the end of the stream.
# Seen: Apache takes the greater of ProxyTimeout and Timeout, so that neither
#   alone makes it shorter. HAProxy without `timeout tunnel` ends it at `timeout
#   server`, and the server gets a reset.
# With: Apache 2.4.71 and HAProxy 2.6.12 (Debian's apache2-bin
#   2.4.71-1~deb12u1 and haproxy 2.6.12-1+deb12u4); 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
debian apache2-bin 2.4.71-1~deb12u1
debian haproxy 2.6.12-1+deb12u4
cat >silence.py <<'END'
import subprocess
from raw import *

listener = listen()
behind = listener.getsockname()[1]
APACHE = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/"
                 f"mod_{name}.so\n"
                 for name in ("mpm_event", "authz_core", "proxy",
                              "proxy_http")) + """
ServerName localhost
PidFile apache2.pid
ErrorLog /dev/null
Listen 127.0.0.1:{port}
ProxyPass / http://127.0.0.1:{behind}/ upgrade=websocket
"""
HAPROXY = """
defaults
    mode http
    timeout connect 9s
    timeout client 30s
    timeout server 2s
frontend web
    bind 127.0.0.1:{port}
    default_backend app
backend app
    server app1 127.0.0.1:{behind}
"""

def show(name, command, text):
    port = free_port()
    with open("conf", "w") as conf:
        conf.write(text.format(port=port, behind=behind))
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    client = connect(port)
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n"
                   b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   b"Sec-WebSocket-Version: 13\r\n"
                   b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    server, _ = listener.accept()
    head = server.makefile("rb", buffering=0)
    while head.readline() != b"\r\n":
        pass
    server.sendall(b"HTTP/1.1 101 Switching Protocols\r\n"
                   b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n"
                   b"\r\n")
    server.settimeout(5)
    try:
        print(f"{name}: the server reads", server.recv(1))
    except TimeoutError:
        print(f"{name}: open after 5 s")
    except ConnectionResetError:
        print(f"{name}: the server gets a reset")
    head.close()
    server.close()
    client.close()
    proxy.terminate()
    proxy.wait()

apache = ["apache2", "-X", "-d", ".", "-f", "conf"]
show("Apache, ProxyTimeout 1", apache, APACHE + "ProxyTimeout 1\nTimeout 60\n")
show("Apache, Timeout 1", apache, APACHE + "ProxyTimeout 60\nTimeout 1\n")
show("Apache, both 1", apache, APACHE + "ProxyTimeout 1\nTimeout 1\n")
show("HAProxy, timeout server 2s", ["haproxy", "-db", "-f", "conf"], HAPROXY)
END
PATH=$PATH:/usr/sbin python3 silence.py >seen
expect <<'END'
Apache, ProxyTimeout 1: open after 5 s
Apache, Timeout 1: open after 5 s
Apache, both 1: the server reads b''
HAProxy, timeout server 2s: the server gets a reset
END
