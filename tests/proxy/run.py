#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py tinyproxy|dante|tls SERVER_EXE CLIENT_EXE

Lets our client talk to our echo server through a real proxy, and looks into the
proxy's own log for what it has done.  The server has a name that only the proxy
can resolve.  Prints TAP."""

import asyncio
import contextlib
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import (  # noqa: E402
    PATIENCE, Tap, command_of, free_port, make_certificate, start_server, stop,
    wait_until)

REFUSED = "error -5018 "  # WS_ERR_PROXY
UNTRUSTED = "error -5019 "  # WS_ERR_TLS
UNRESOLVED = "error -5017 "  # WS_ERR_RESOLVE

# Of "pw", in the form of shadow(5).
HASH = ("$6$silverback$tvYntVXG21pPIv2vByXSfLMI2UPt2N5e8qHd0baMcSlsOl"
        "Foj5hWoHCv5vHrBG3YMXzBL9piQVTYKeEmQPl8X1")

ACCOUNTS = {
    "passwd": "me:x:54321:54321::/:/bin/false\n"
              f"runner:x:{os.getuid()}:{os.getgid()}::/:/bin/false\n",
    "group": f"runner:x:{os.getgid()}:\n",
    "shadow": f"me:{HASH}:19000:0:99999:7:::\n",
    "hosts": "127.0.0.1 server.test\n",
}


class Proxy:
    """A proxy with accounts and names of its own, and its log."""

    def __init__(self, folder, command_for):
        self.folder = pathlib.Path(folder)
        self.log = self.folder / "log"
        self._seen = 0
        for name, text in ACCOUNTS.items():
            (self.folder / name).write_text(text)
            os.environ[f"NSS_WRAPPER_{name.upper()}"] = str(self.folder / name)
        os.environ["LD_PRELOAD"] = "libnss_wrapper.so"
        try:
            self.process, self.port = start_server(
                lambda port: command_for(self, port))
        finally:
            del os.environ["LD_PRELOAD"]

    def mark(self):
        """What is logged from now on is new."""
        self._seen = len(self._lines())

    def has_logged(self, *parts):
        """Is there a new line with all of these?  Logs may be late."""
        return wait_until(lambda: any(
            all(part in line for part in parts)
            for line in self._lines()[self._seen:]))

    def new_lines(self):
        return self._lines()[self._seen:]

    def _lines(self):
        try:
            return self.log.read_text().splitlines()
        except FileNotFoundError:
            return []


def tinyproxy(proxy, port, allowed, account=None):
    config = proxy.folder / "config"
    config.write_text(
        f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\n"
        f"LogFile \"{proxy.log}\"\nLogLevel Info\n"
        f"ConnectPort {allowed}\n"
        + (f"BasicAuth {account}\n" if account else ""))
    return [command_of("tinyproxy"), "-d", "-c", str(config)]


def dante(proxy, port, method):
    config = proxy.folder / "config"
    config.write_text(
        f"logoutput: {proxy.log}\n"
        f"internal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\n"
        f"socksmethod: {method}\nclientmethod: none\n"
        "user.privileged: runner\nuser.unprivileged: runner\n"
        "client pass {\n from: 0.0.0.0/0 to: 0.0.0.0/0\n}\n"
        "socks block {\n from: 0.0.0.0/0 to: 127.0.0.9/32\n"
        " log: connect error\n}\n"
        "socks pass {\n from: 0.0.0.0/0 to: 0.0.0.0/0\n"
        " log: connect disconnect error\n}\n")
    return [command_of("danted", "sockd"), "-f", str(config),
            "-p", str(proxy.folder / "pid")]


def start(stack, command_for):
    """A server that ends with the stack.  Returns its port."""
    process, port = start_server(command_for)
    stack.callback(stop, process)
    return port


def start_tls(stack, server_exe, folder):
    files = [str(folder / "server.pem"), str(folder / "server.key")]
    return start(stack, lambda port: [server_exe, "--tls", *files, str(port)])


class TlsFront:
    """Speaks TLS for a proxy that cannot."""

    def __init__(self, folder, target):
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "proxy.pem",
                                      folder / "proxy.key")
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(ready)),
                         daemon=True).start()
        ready.wait(PATIENCE)

    async def _serve(self, ready):
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0,
                                            ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def _pass_on(self, reader, writer):
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(_pump(reader, forth), _pump(back, writer))


async def _pump(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


# ---- Cases ------------------------------------------------------------------

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Client:
    def __init__(self, tap, exe):
        self.tap, self.exe = tap, exe
        self.said = ""

    def dial(self, url, *proxy, **environment):
        env = {name: value for name, value in os.environ.items()
               if name.lower() not in VARIABLES}
        done = subprocess.run([self.exe, url, *proxy], text=True,
                              stdout=subprocess.PIPE, timeout=PATIENCE,
                              env=env | environment, check=False)
        self.said = done.stdout.strip()

    def expect(self, what, beginning, *parts):
        ok = (self.said.startswith(beginning)
              and all(part in self.said for part in parts))
        self.tap.check(ok, what, f"got: {self.said}")


def with_tinyproxy(tap, server_port, client):
    named = f"ws://server.test:{server_port}/"
    numbered = f"ws://127.0.0.1:{server_port}/"
    other = free_port()

    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(folder, lambda p, port: tinyproxy(p, port, server_port))
        url = f"http://127.0.0.1:{proxy.port}"
        logged = f"CONNECT server.test:{server_port} HTTP/1.1"

        for how, arguments, environment in (
                ("given", [url], {}),
                ("in http_proxy", [], {"http_proxy": url}),
                ("in HTTP_PROXY", [], {"HTTP_PROXY": url}),
                ("in ALL_PROXY", [], {"ALL_PROXY": url})):
            proxy.mark()
            client.dial(named, *arguments, **environment)
            client.expect(f"{how}: to a name that only the proxy knows",
                          "echo hello")
            tap.check(proxy.has_logged(logged), f"{how}: the log has it",
                      proxy.new_lines())

        proxy.mark()
        client.dial(named, HTTP_PROXY=url, NO_PROXY=".test")
        client.expect("NO_PROXY: not by the proxy", UNRESOLVED)
        client.dial(named, HTTP_PROXY=url, REQUEST_METHOD="GET")
        client.expect("HTTP_PROXY of a CGI program: not by the proxy",
                      UNRESOLVED)
        client.dial(numbered, HTTP_PROXY=url)
        client.expect("loopback: not by the environment's proxy", "echo hello")
        tap.check(not any("CONNECT" in line for line in proxy.new_lines()),
                  "none of these is in the log", proxy.new_lines())

        proxy.mark()
        client.dial(numbered, url)
        client.expect("loopback: by a given proxy", "echo hello")
        tap.check(proxy.has_logged(f"CONNECT 127.0.0.1:{server_port} "),
                  "loopback: the log has it", proxy.new_lines())
        client.dial(f"ws://server.test:{other}/", url)
        client.expect("another port: 403", REFUSED + "403 ", "answered 403")
        tap.check(stop(proxy.process) == 0, "tinyproxy ends")

    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(folder, lambda p, port: tinyproxy(
            p, port, server_port, "me pw"))
        at = f"127.0.0.1:{proxy.port}"
        client.dial(named, f"http://me:pw@{at}")
        client.expect("with a user and a password", "echo hello")
        tap.check(proxy.has_logged(logged), "with a user: the log has it",
                  proxy.new_lines())
        client.dial(named, at)
        client.expect("without a user: 407", REFUSED + "407 ",
                      "it wants credentials")
        client.dial(named, f"http://me:secret@{at}")
        client.expect("with another password: refused", REFUSED + "401 ",
                      "it wants other credentials")
        tap.check("secret" not in client.said, "the password is not shown")
        tap.check(stop(proxy.process) == 0, "tinyproxy ends")


def with_tls(tap, server_exe, client):
    """TLS to the proxy, to the server, and one in the other."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory()))
        ca = {"server": make_certificate(folder, "server", "DNS:server.test"),
              "proxy": make_certificate(folder, "proxy", "IP:127.0.0.1")}
        ca["both"] = folder / "both"
        ca["both"].write_text(ca["server"].read_text()
                              + ca["proxy"].read_text())
        plain = start(stack, lambda port: [server_exe, str(port)])
        secure = start_tls(stack, server_exe, folder)
        http = Proxy(folder, lambda p, port: tinyproxy(
            p, port, f"{plain}\nConnectPort {secure}", "me pw"))
        stack.callback(stop, http.process)
        front = TlsFront(folder, http.port)
        ws = f"ws://server.test:{plain}/"
        wss = f"wss://server.test:{secure}/"
        over_http = f"http://me:pw@127.0.0.1:{http.port}"
        over_https = f"https://me:pw@127.0.0.1:{front.port}"

        for what, url, proxy, trust, expected in (
                ("wss by http", wss, over_http, "server", "echo hello"),
                ("ws by https", ws, over_https, "proxy", "echo hello"),
                ("wss by https", wss, over_https, "both", "echo hello"),
                ("wss by http, another CA", wss, over_http, "proxy",
                 UNTRUSTED + "0 TLS with server.test: "),
                ("ws by https, another CA", ws, over_https, "server",
                 UNTRUSTED + "0 TLS with 127.0.0.1: "),
                ("wss by https, the server of another CA", wss, over_https,
                 "proxy", UNTRUSTED + "0 TLS with server.test: "),
                ("wss by https, the proxy of another CA", wss, over_https,
                 "server", UNTRUSTED + "0 TLS with 127.0.0.1: "),
                ("https without a user", ws,
                 f"https://127.0.0.1:{front.port}", "proxy", REFUSED + "407 "),
                ("http to a proxy that speaks https", ws,
                 f"http://127.0.0.1:{front.port}", "proxy", "error ")):
            http.mark()
            client.dial(url, proxy, str(ca[trust]))
            client.expect(what, expected)
            if expected == "echo hello":
                port = plain if url is ws else secure
                tap.check(http.has_logged(f"CONNECT server.test:{port} "),
                          f"{what}: the log has it", http.new_lines())

    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory()))
        trust = make_certificate(folder, "server", "DNS:server.test")
        secure = start_tls(stack, server_exe, folder)
        socks = Proxy(folder, lambda p, port: dante(p, port, "none"))
        stack.callback(stop, socks.process)
        client.dial(f"wss://server.test:{secure}/",
                    f"socks5://127.0.0.1:{socks.port}", str(trust))
        client.expect("wss by socks5", "echo hello")
        tap.check(socks.has_logged("tcp/connect [", f"127.0.0.1.{secure}"),
                  "wss by socks5: the log has it", socks.new_lines())


def with_dante(tap, server_port, client):
    named = f"ws://server.test:{server_port}/"
    numbered = f"ws://127.0.0.1:{server_port}/"

    def logged_as(whom):
        return "tcp/connect [", whom, f"127.0.0.1.{server_port}"

    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(folder, lambda p, port: dante(p, port, "none"))
        at = f"127.0.0.1:{proxy.port}"

        for how, to, arguments, environment in (
                ("socks5", named, [f"socks5://{at}"], {}),
                ("socks5h", named, [f"socks5h://{at}"], {}),
                ("in all_proxy", named, [], {"all_proxy": f"socks5://{at}"}),
                ("in http_proxy", named, [], {"http_proxy": f"socks5://{at}"}),
                ("an address", numbered, [f"socks5://{at}"], {}),
                ("a user who is not asked", named, [f"socks5://a:b@{at}"],
                 {})):
            proxy.mark()
            client.dial(to, *arguments, **environment)
            client.expect(f"{how}: there and back", "echo hello")
            tap.check(proxy.has_logged(*logged_as("")),
                      f"{how}: the log has it", proxy.new_lines())

        client.dial(f"ws://127.0.0.1:{free_port()}/", f"socks5://{at}")
        client.expect("nobody listens: code 5", REFUSED,
                      "the server refused the connection")
        client.dial(f"ws://127.0.0.9:{server_port}/", f"socks5://{at}")
        client.expect("its rules forbid it: code 2", REFUSED,
                      "its rules do not allow")
        client.dial("ws://other.test/", f"socks5://{at}")
        client.expect("a name that it does not know", REFUSED,
                      "it cannot reach the host")
        tap.check(stop(proxy.process) is not None, "dante ends")

    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(folder, lambda p, port: dante(p, port, "username"))
        at = f"127.0.0.1:{proxy.port}"
        client.dial(named, f"socks5://me:pw@{at}")
        client.expect("with a user and a password", "echo hello")
        tap.check(proxy.has_logged(*logged_as("username%me@")),
                  "with a user: the log has him", proxy.new_lines())
        client.dial(named, f"socks5://me:secret@{at}")
        client.expect("with another password: refused", REFUSED,
                      "it refused the user and password")
        tap.check("secret" not in client.said, "the password is not shown")
        client.dial(named, f"socks5://{at}")
        client.expect("without a user: refused", REFUSED,
                      "it wants credentials")
        tap.check(stop(proxy.process) is not None, "dante ends")


def on_plain(run):
    """run with the port of a server without TLS."""
    def wrapped(tap, server_exe, client):
        with contextlib.ExitStack() as stack:
            port = start(stack, lambda port: [server_exe, str(port)])
            run(tap, port, client)
    return wrapped


CASES = {
    "tinyproxy": (on_plain(with_tinyproxy), 22),
    "dante": (on_plain(with_dante), 22),
    "tls": (with_tls, 14),
}


def main(name, server_exe, client_exe):
    run, plan = CASES[name]
    tap = Tap(plan)
    server_exe, client_exe = map(os.path.abspath, (server_exe, client_exe))
    try:
        run(tap, server_exe, Client(tap, client_exe))
    except FileNotFoundError as error:
        tap.check(False, "what it needs is there", error)
    return tap.done()


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
