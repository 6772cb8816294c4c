#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: with the PROXY protocol hitch says who its client is, as stunnel does,
#   and nothing of TLS unless it is told to.
# Seen: write-proxy-v2 alone brings PP2_TYPE_SSL (0x20), with the bit that the
#   client spoke TLS, its version and the cipher, but no certificate.
# With: hitch 1.7.2 (Debian's hitch 1.7.2-1+b1); 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3 openssl
debian hitch 1.7.2-1+b1
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 \
    -keyout key.pem -out cert.pem 2>/dev/null
cat key.pem cert.pem >both.pem
cat >header.py <<'END'
import os
import ssl
import subprocess
import threading
from raw import *

port = free_port()
listener = listen()
user = "" if os.getuid() else 'user = "nobody"'  # it refuses to be root
with open("conf", "w") as conf:
    conf.write(f'''frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{listener.getsockname()[1]}"
pem-file = "{os.getcwd()}/both.pem"
write-proxy-v2 = on
workers = 1
{user}
''')
proxy = subprocess.Popen(["hitch", "--config=conf"], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
context = ssl.create_default_context(cafile="cert.pem")
context.maximum_version = ssl.TLSVersion.TLSv1_2
client = connect(port)

def speak():
    with context.wrap_socket(client, server_hostname="localhost") as tls:
        tls.sendall(b"request")
        tls.recv(1)

speaker = threading.Thread(target=speak)
speaker.start()
server, _ = listener.accept()
said = server.makefile("rb")
size = struct.unpack("!12xBBH", said.read(16))[2]
rest = said.read(size)[12:]  # behind the addresses of IPv4
while rest:
    kind, n = struct.unpack_from("!BH", rest)
    value, rest = rest[3:3 + n], rest[3 + n:]
    if kind == 0x20:
        print("PP2_TYPE_SSL, client bits:", value[0], "verified:",
              struct.unpack_from("!I", value, 1)[0])
        value = value[5:]
        while value:
            kind, n = struct.unpack_from("!BH", value)
            print(hex(kind), value[3:3 + n].decode())
            value = value[3 + n:]
server.send(b"x")
speaker.join()
proxy.terminate()
proxy.wait()
END
PATH=$PATH:/usr/sbin python3 header.py >seen
expect <<'END'
PP2_TYPE_SSL, client bits: 1 verified: 1
0x21 TLSv1.2
0x23 ECDHE-RSA-AES256-GCM-SHA384
END
