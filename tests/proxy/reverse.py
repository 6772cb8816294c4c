#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""reverse.py nginx|haproxy|haproxy_tcp|apache|hitch|stunnel BEHIND_EXE DOCS

Has a real proxy in front of our server, configured by the very file that DOCS
shows, in which only addresses and paths are other ones.  Looks at what the
server sees of clients, honest ones and others, at silence, and at what either
end sees when the other one is gone.  Prints TAP."""

import contextlib
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import (  # noqa: E402
    PATIENCE, Tap, command_of, make_certificate, start_server, stop,
    wait_until)
import websocket  # noqa: E402

HOST = "example.com"
CLIENT = "127.0.0.7"    # whom the proxies see
STRANGER = "127.0.0.9"  # who is no proxy
PROXY = "127.0.0.1"

# For silence: the proxies' time, the server's pings within it, and the test's.
LIMIT_S, PING_MS, SILENCE_S = 4, 500, 10

SPOOFED = {
    "X-Forwarded-For": "198.51.100.9",
    "X-Forwarded-Proto": "ftp",
    "X-Forwarded-Host": "evil.test",
}
FORWARDED = {"Forwarded": "for=198.51.100.9;proto=http;host=evil.test"}

V2 = b"\r\n\r\n\0\r\nQUIT\n"
PROXY_HEADERS = {
    "version 1": b"PROXY TCP4 198.51.100.9 192.0.2.2 4711 80\r\n",
    "version 2": V2 + struct.pack("!BBH4B4BHH", 0x21, 0x11, 12, 198, 51, 100,
                                  9, 192, 0, 2, 2, 4711, 80),
}

# ---- The proxies ------------------------------------------------------------

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/log info;
events {{}}
http {{
    access_log off;
    proxy_read_timeout {limit}s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {snippet};
}}
"""

HAPROXY = """
defaults
    timeout connect 5s
    timeout client {limit}s
    timeout server {limit}s
"""

APACHE = """
ServerRoot {folder}
ServerName example.com
PidFile {folder}/apache.pid
ErrorLog {folder}/log
Mutex pthread
Listen 127.0.0.1:{port}
Timeout {limit}
{modules}
{user}
Include {snippet}
"""

APACHE_MODULES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules",
                  "/usr/lib/httpd/modules", "/usr/lib/apache2")


def nginx(proxy):
    proxy.write("main", NGINX.format(**proxy.names))
    return [command_of("nginx"), "-c", proxy.path("main"),
            "-e", proxy.path("log")]


def haproxy(proxy):
    proxy.write("main", HAPROXY.format(**proxy.names))
    return [command_of("haproxy"), "-q", "-f", proxy.path("main"),
            "-f", proxy.path("snippet")]


def load_module(name):
    """The line for it; none where it is built in."""
    for folder in APACHE_MODULES:
        if (file := pathlib.Path(folder) / f"mod_{name}.so").exists():
            return f"LoadModule {name}_module {file}"
    return ""


def apache(proxy):
    modules = map(load_module, ("mpm_event", "unixd", "authz_core", "ssl",
                                "headers", "proxy", "proxy_http"))
    user = "User nobody\nGroup #65534" if os.getuid() == 0 else ""
    proxy.write("main", APACHE.format(modules="\n".join(modules), user=user,
                                      **proxy.names))
    return [command_of("apache2", "httpd"), "-f", proxy.path("main"), "-D",
            "FOREGROUND"]


def hitch(proxy):
    user = ["--user=nobody"] if os.getuid() == 0 else []
    return [command_of("hitch"), f"--config={proxy.path('snippet')}",
            "--daemon=off", "--workers=1", *user]


def stunnel(proxy):
    snippet = pathlib.Path(proxy.path("snippet"))
    proxy.write("snippet", "foreground = yes\npid =\n" + snippet.read_text()
                + f"TIMEOUTidle = {LIMIT_S}\n")
    return [command_of("stunnel4", "stunnel"), str(snippet)]


class Kind:
    """What a proxy is, and what it can tell.  seen: "tls", or what the server
    knows of a client's TLS.  silent: whether it ends what is silent."""

    def __init__(self, command_for, file, *, protocol=False, seen="tls",
                 port=False, own_tls=False, silent=True, gone="502"):
        self.command_for, self.file = command_for, file
        self.protocol, self.seen, self.port = protocol, seen, port
        self.own_tls, self.silent, self.gone = own_tls, silent, gone


KINDS = {
    "nginx": Kind(nginx, "nginx.conf"),
    "haproxy": Kind(haproxy, "haproxy.cfg", gone="503"),
    "haproxy_tcp": Kind(haproxy, "haproxy-tcp.cfg", protocol=True, port=True,
                        own_tls=True, gone=None),
    "apache": Kind(apache, "apache.conf", gone="503"),
    "hitch": Kind(hitch, "hitch.conf", protocol=True, port=True, silent=False,
                  gone=None),
    "stunnel": Kind(stunnel, "stunnel.conf", protocol=True, port=True,
                    seen="plain", gone=None),
}


class Proxy:
    """One in front of 127.0.0.1:upstream, and its log.  without: a pattern of
    what is left out of its file."""

    def __init__(self, kind, docs, folder, certificate, upstream, without=""):
        self.folder = pathlib.Path(folder)
        file = (pathlib.Path(docs) / kind.file).read_text()
        self._snippet = re.sub(without, "", file) if without else file
        self._certificate, self._upstream = certificate, upstream
        with open(self.path("output"), "wb") as output:
            self.process, self.port = start_server(
                lambda port: self._prepare(kind, port), stdout=output,
                stderr=output)

    def _prepare(self, kind, port):
        self.names = {"folder": self.folder, "limit": LIMIT_S, "port": port,
                      "snippet": self.path("snippet")}
        text = self._snippet
        for documented, own in (
                ("/etc/ssl/example.com.pem", str(self._certificate)),
                ("127.0.0.1:8080", f"127.0.0.1:{self._upstream}"),
                ("[127.0.0.1]:8080", f"[127.0.0.1]:{self._upstream}"),
                ("listen 443 ", f"listen 127.0.0.1:{port} "),
                ("bind :443", f"bind 127.0.0.1:{port}"),
                ("*:443", f"127.0.0.1:{port}"),
                ("[*]:443", f"[127.0.0.1]:{port}"),
                ("accept = 443", f"accept = 127.0.0.1:{port}")):
            text = text.replace(documented, own)
        self.write("snippet", text)
        return kind.command_for(self)

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, text):
        (self.folder / name).write_text(text)


class Behind:
    """Our server, and what it prints."""

    def __init__(self, exe, *options):
        self._lines = []
        self.process, self.port = start_server(
            lambda port: [exe, *options, f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.append(line.rstrip("\n"))

    def mark(self):
        self._seen = len(self._lines)

    def has_printed(self, *parts):
        """A line since the mark with all of these."""
        return wait_until(lambda: any(all(part in line for part in parts)
                                      for line in self.new_lines()))

    def new_lines(self):
        return self._lines[self._seen:]


# ---- The client -------------------------------------------------------------

class Client:
    """Speaks TLS with the proxy, as a browser with a page from there does."""

    def __init__(self, port, certificate):
        self.port = port
        self._context = ssl.create_default_context(cafile=certificate)
        self._context.set_alpn_protocols(["http/1.1"])
        self.origin = f"https://{HOST}:{port}"

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE,
                                         source_address=(CLIENT, 0))
        return self._context.wrap_socket(plain, server_hostname=HOST)

    def get(self, fields=None):
        """The status and the body of "/"."""
        with contextlib.closing(self.connect()) as sock:
            return get(sock, f"{HOST}:{self.port}", fields)

    def upgrade(self, path="/ws", origin=None, fields=None):
        """A connection, and what the server said of it; or a ValueError with
        the status line."""
        return upgrade(self.connect(), path, f"{HOST}:{self.port}",
                       {"Origin": origin or self.origin, **(fields or {})})


def head(path, host, fields):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}",
             *(f"{name}: {value}" for name, value in (fields or {}).items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def get(sock, host, fields=None, before=b""):
    sock.sendall(before + head("/", host, {**(fields or {}),
                                           "Connection": "close"}))
    with sock.makefile("rb") as file:
        try:
            status, got = websocket.read_head(file)
        except (OSError, websocket.Ended):
            return "", ""
        length = int(got.get("content-length", 0))
        return status.split()[1] if status else "", file.read(length).decode()


def upgrade(sock, path, host, fields):
    sock.sendall(head(path, host, {
        "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **fields}))
    file = sock.makefile("rb")
    try:
        status, got = websocket.read_head(file)
    except websocket.Ended:
        status, got = "", {}
    if " 101 " not in status:
        file.close()
        sock.close()
        raise ValueError(status)
    c = websocket.WebSocket(sock, file, got, client=True)
    return c, c.receive()


def refused_with(client, **arguments):
    try:
        client.upgrade(**arguments)[0].drop()
        return "101"
    except ValueError as error:
        return (str(error).split() or ["", "none"])[1]


# ---- Cases ------------------------------------------------------------------

def make_pem(folder):
    """One file with a certificate of HOST and its key."""
    make_certificate(folder, "site", f"DNS:{HOST}")
    both = folder / "both.pem"
    both.write_text((folder / "site.pem").read_text()
                    + (folder / "site.key").read_text())
    return both


class Case:
    def __init__(self, tap, kind, exe, docs, stack, without=""):
        self.tap, self.kind = tap, kind
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)  # proxies give up their rights
        self.certificate = make_pem(pathlib.Path(folder))
        options = ["--trust", PROXY, "--ping", str(PING_MS)]
        if kind.protocol:
            options += ["--proxy-protocol"]
        if kind.own_tls:
            options += ["--tls", str(self.certificate)]
        self.server = Behind(exe, *options)
        stack.callback(stop, self.server.process)
        self.proxy = Proxy(kind, docs, folder, self.certificate,
                           self.server.port, without)
        stack.callback(stop, self.proxy.process)
        self.client = Client(self.proxy.port, self.certificate)

    def is_as_expected(self, seen):
        """Is this what the server should see of our client?"""
        remote, host, tls = seen.split()
        address, _, port = remote.partition(":")
        return (address == CLIENT and (port != "") == self.kind.port
                and host == f"{HOST}:{self.proxy.port}"
                and tls == self.kind.seen)


def sees_the_client(case):
    tap, client = case.tap, case.client
    status, seen = client.get()
    tap.check(status == "200" and case.is_as_expected(seen),
              "the client's address, its host and port, its TLS",
              f"{status} {seen}")
    print(f"# the handler sees: {seen}")
    c, seen = client.upgrade()
    tap.check(case.is_as_expected(seen), "and of an upgrade", seen)
    c.send("hello")
    tap.check(c.receive() == "hello", "its own page's origin is accepted")
    case.server.mark()
    tap.check(c.close() == 1000, "a close has its answer")
    tap.check(case.server.has_printed("/ws ended: ", "1000"),
              "and the handler has its code", case.server.new_lines())
    case.server.mark()
    tap.check(refused_with(client, origin="https://evil.test") == "403",
              "another page's origin is refused")
    tap.check(case.server.has_printed("/ws refused: ", "evil.test"),
              "and the handler is told", case.server.new_lines())


def believes_no_client(case):
    """What a client claims to be is not what the proxy says."""
    tap, client = case.tap, case.client
    for what, fields in (("X-Forwarded-*", SPOOFED), ("Forwarded", FORWARDED),
                         ("both", {**SPOOFED, **FORWARDED})):
        status, seen = client.get(fields)
        tap.check(status == "200" and case.is_as_expected(seen),
                  f"{what} of a client changes nothing", f"{status} {seen}")
        tap.check(refused_with(client, origin="https://evil.test",
                               fields=fields) == "403",
                  f"{what} of a client makes no origin its own")
        c, seen = client.upgrade(fields=fields)
        c.drop()
        tap.check(case.is_as_expected(seen),
                  f"{what} of a client: its own origin is accepted", seen)


def believes_no_stranger(case):
    """Somebody who has found the way around the proxy."""
    def call():
        return socket.create_connection(("127.0.0.1", case.server.port),
                                        PATIENCE, source_address=(STRANGER, 0))
    for what, header in PROXY_HEADERS.items():
        with contextlib.closing(call()) as sock:
            try:
                status, seen = get(sock, "a", before=header)
            except ConnectionError:
                status, seen = "", ""
            case.tap.check(status == ("" if case.kind.protocol else "400"),
                           f"a header of {what} from elsewhere: refused",
                           f"{status} {seen}")
    with contextlib.closing(call()) as sock:
        try:
            status, seen = get(sock, "a", {**SPOOFED, **FORWARDED})
        except ConnectionError:
            status, seen = "", ""
        if case.kind.protocol:
            case.tap.check(status == "", "a request from elsewhere: refused",
                           seen)
        else:
            case.tap.check(
                seen.startswith(f"{STRANGER}:") and seen.endswith(" a plain"),
                "headers from elsewhere change nothing", seen)


def keeps_silence(case):
    """Longer than the proxy would, which a second connection shows.  Each has one
    thread that reads and writes: two at once break an SSLSocket's records."""
    kept, _ = case.client.upgrade()
    mute, _ = case.client.upgrade("/mute")
    ends = {}

    def watch(name, c):
        begin, asked = time.monotonic(), False
        with contextlib.suppress(OSError, websocket.Ended):
            while (opcode := c.receive_frame()[0]) == websocket.PING:
                c.send_frame(websocket.PONG, b"")
                if not asked and time.monotonic() - begin >= SILENCE_S:
                    asked = True
                    c.send("still here?")
            ends[name] = opcode
        ends.setdefault(name, f"ended after {time.monotonic() - begin:.1f} s")

    watchers = [threading.Thread(target=watch, args=args, daemon=True)
                for args in (("kept", kept), ("mute", mute))]
    for watcher in watchers:
        watcher.start()
    watchers[0].join(PATIENCE)
    if not case.kind.silent:
        still = "mute" not in ends
        mute.sock.shutdown(socket.SHUT_RDWR)
    watchers[1].join(PATIENCE)
    case.tap.check(ends.get("kept") == websocket.TEXT,
                   "our pings keep a silent connection", ends)
    case.tap.check(
        str(ends.get("mute")).startswith("ended") if case.kind.silent
        else still,
        "which the proxy ends otherwise" if case.kind.silent
        else "which the proxy does not mind otherwise", ends)
    kept.drop()
    mute.drop()


def sees_the_other_end_go(case):
    tap = case.tap
    c, _ = case.client.upgrade()
    case.server.mark()
    c.drop()
    tap.check(case.server.has_printed("/ws ended: "),
              "a client that is gone: the handler is told",
              case.server.new_lines())
    print(f"# client gone, the handler sees: {case.server.new_lines()}")

    c, _ = case.client.upgrade()
    case.server.process.kill()
    case.server.process.wait(PATIENCE)
    try:
        c.receive()
        end = "a message"
    except (OSError, websocket.Ended) as error:
        end = error
    tap.check(not isinstance(end, str) and getattr(end, "code", None) is None,
              "a server that is gone: the client's stream ends", end)
    print(f"# server gone, the client sees: {end!r}")
    c.drop()
    try:
        status, _ = case.client.get()
    except (OSError, ssl.SSLError):
        status = ""
    tap.check(status == (case.kind.gone or ""),
              f"and the next request gets {case.kind.gone or 'no answer'}",
              status)


def sees_the_proxy_go(case):
    c, _ = case.client.upgrade()
    case.server.mark()
    stop(case.proxy.process)
    case.tap.check(case.server.has_printed("/ws ended: "),
                   "a proxy that ends: the handler is told",
                   case.server.new_lines())
    print(f"# proxy gone, the handler sees: {case.server.new_lines()}")
    c.drop()


PLAN = 25


def main(name, exe, docs):
    kind, tap = KINDS[name], Tap(PLAN)
    exe = os.path.abspath(exe)
    try:
        with contextlib.ExitStack() as stack:
            case = Case(tap, kind, exe, docs, stack)
            sees_the_client(case)
            believes_no_client(case)
            believes_no_stranger(case)
            keeps_silence(case)
            sees_the_other_end_go(case)
        with contextlib.ExitStack() as stack:
            sees_the_proxy_go(Case(tap, kind, exe, docs, stack))
    except FileNotFoundError as error:
        tap.check(False, "what it needs is there", error)
    return tap.done()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
