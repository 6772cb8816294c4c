#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: what a client says about itself in Forwarded and X-Forwarded-Host a
#   reverse proxy replaces or removes.
# Seen: with nothing said about them in their configurations nginx, HAProxy and
#   Apache pass Forwarded on as it came, nginx and HAProxy X-Forwarded-Host too;
#   Apache appends its own Host to that, so that the first is the client's.
# With: nginx 1.22.1, HAProxy 2.6.12 and Apache 2.4.71 (Debian's nginx
#   1.22.1-9+deb12u11, haproxy 2.6.12-1+deb12u4 and apache2-bin
#   2.4.71-1~deb12u1); 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
debian nginx 1.22.1-9+deb12u11
debian haproxy 2.6.12-1+deb12u4
debian apache2-bin 2.4.71-1~deb12u1
cat >forwarded.py <<'END'
import subprocess
from raw import *

listener = listen()
behind = listener.getsockname()[1]
MODULES = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/"
                  f"mod_{name}.so\n"
                  for name in ("mpm_event", "authz_core", "proxy",
                               "proxy_http"))
PROXIES = {
    "nginx": (["nginx", "-p", ".", "-e", "stderr", "-c", "nginx.conf"], """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{behind}; }}
    }}
}}
"""),
    "haproxy": (["haproxy", "-db", "-f", "haproxy.conf"], """
defaults
    mode http
    timeout connect 9s
    timeout client 9s
    timeout server 9s
frontend web
    bind 127.0.0.1:{port}
    default_backend app
backend app
    server app1 127.0.0.1:{behind}
"""),
    "apache2": (["apache2", "-X", "-d", ".", "-f", "apache2.conf"], MODULES + """
ServerName localhost
PidFile apache2.pid
ErrorLog /dev/null
Listen 127.0.0.1:{port}
ProxyPass / http://127.0.0.1:{behind}/
"""),
}

for name, (command, text) in PROXIES.items():
    port = free_port()
    with open(f"{name}.conf", "w") as conf:
        conf.write(text.format(port=port, behind=behind))
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: b.example\r\n"
                       b"Forwarded: for=192.0.2.1;host=a.example\r\n"
                       b"X-Forwarded-Host: a.example\r\n\r\n")
        server, _ = listener.accept()
        for line in server.makefile("r", newline="\r\n"):
            if line.lower().startswith(("forwarded:", "x-forwarded-host:")):
                field, value = line.strip().split(": ", 1)
                print(f"{name}: {field.title()}: {value}")
            if line == "\r\n":
                break
        server.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        client.recv(1000)
        server.close()
    proxy.terminate()
    proxy.wait()
END
PATH=$PATH:/usr/sbin python3 forwarded.py | sort >seen
expect <<'END'
apache2: Forwarded: for=192.0.2.1;host=a.example
apache2: X-Forwarded-Host: a.example, b.example
haproxy: Forwarded: for=192.0.2.1;host=a.example
haproxy: X-Forwarded-Host: a.example
nginx: Forwarded: for=192.0.2.1;host=a.example
nginx: X-Forwarded-Host: a.example
END
