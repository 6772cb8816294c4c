# SPDX-License-Identifier: MIT
"""ws listen, ws echo."""

import pathlib
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from harness import PATIENCE, make_certificate
from program import case
from tool import ENVIRONMENT, Listening, Terminal, command, run
from websocket import Ended, connect


def end_of(connection):
    """How it ends, after what still comes."""
    messages = []
    try:
        while True:
            messages.append(connection.receive())
    except Ended as end:
        connection.drop()
        return messages, end.code, end.reason


@case(9)
def listen(tap):
    with Listening("listen", "{}") as s:
        one, two = connect(s.port), connect(s.port, "/elsewhere")
        one.send("from one")
        first = s.line()
        two.send("from two")
        tap.check([first, s.line()] == [b"from one\n", b"from two\n"],
                  "listen: prints what everybody says")
        s.send(b"to all\n")
        tap.check([one.receive(), two.receive()] == ["to all", "to all"],
                  "listen: everybody gets a line of the input")
        one.close()
        s.send(b"who is left\n")
        tap.check(two.receive() == "who is left", "listen: one has left")
        s.process.stdin.close()
        end = end_of(two)
        tap.check(end == ([], 1000, "") and s.ended() == 0,
                  "listen: the end of the input closes", end)
    with Listening("listen", "--close", "4000:done", "{}") as s:
        with connect(s.port) as c:
            s.process.send_signal(signal.SIGINT)
            end, code = end_of(c), s.ended()
            tap.check(code == 0 and end == ([], 4000, "done"),
                      "listen: SIGINT ends it, by --close", (code, end))
    with Listening("listen", "-E", "{}", stdin=subprocess.DEVNULL) as s:
        c = connect(s.port)
        c.send(b"\0\1")
        got = s.process.stdout.read(2)
        s.process.send_signal(signal.SIGTERM)
        end = end_of(c)
        tap.check(got == b"\0\1" and end == ([], 1001, ""),
                  "listen: -E goes on at the end of the input; SIGTERM is 1001",
                  (got, end))
    with Listening("listen", "-n2", "{}") as s:
        c = connect(s.port)
        for n in "123":
            c.send(n)
        end = end_of(c)
        tap.check(s.ended() == 0 and s.process.stdout.read() == b"1\n2\n",
                  "listen: -n ends it", end)
    with Listening("listen", "--json", "{}") as s:
        with connect(s.port) as c:
            c.send("x")
            opened, message = s.line(), s.line()
    tap.check(b'"event":"open"' in opened and b'"peer":1' in message
              and b'"data":"x"' in message, "listen: --json", message)
    with Listening("listen", "{}") as s:
        done = run("listen", f"127.0.0.1:{s.port}")
    tap.check(done.code == 2 and "in use" in done.err.lower(),
              "listen: 2 where somebody else does", done)


@case(3)
def listen_places(tap):
    with tempfile.TemporaryDirectory() as folder:
        with Listening("listen", f"unix:{folder}/s") as s:
            done = run("--unix", f"{folder}/s", "ws://x/", given=b"hi\n")
            tap.check(done.code == 0 and s.line() == b"hi\n",
                      "listen: at a local socket", done)
    listener = socket.create_server(("127.0.0.1", 0))
    process = subprocess.Popen(
        command("listen", f"fd:{listener.fileno()}"), env=ENVIRONMENT,
        pass_fds=[listener.fileno()], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with connect(listener.getsockname()[1]) as c:
        c.send("hi")
        tap.check(process.stdout.readline() == b"hi\n",
                  "listen: at a socket that was handed over")
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    listener.close()
    tap.check(run("listen").code == run("listen", "a", "b").code == 1
              and run("listen", "nonsense").code == 2,
              "listen: where it cannot")


def page_of(url):
    """Its status and its body."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as page:
            return page.status, page.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


@case(5)
def files(tap):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "index.html").write_text("<p>mine")
        for mode in ("listen", "echo"):
            with Listening(mode, "--static", folder, "{}") as s:
                base = f"http://127.0.0.1:{s.port}/"
                tap.check(page_of(base) == (200, b"<p>mine")
                          and page_of(base + "none")[0] == 404,
                          f"{mode} --static: files, and no others")
                with connect(s.port, "/any") as c:
                    c.send("x")
                    tap.check(s.line() == b"x\n" if mode == "listen"
                              else c.receive() == "x",
                              f"{mode} --static: and WebSockets")
    tap.check(run("echo", "--static", "/no/such", "127.0.0.1:0").code == 1,
              "--static: 1 where there is no folder")


@case(1)
def an_origin_that_is_none(tap):
    done = run("echo", "-o", "example.com", "127.0.0.1:0")
    tap.check(done.code == 2 and "expected scheme://" in done.err,
              "-o: one that no page can have is said before it listens", done)


@case(2)
def few(tap):
    with Listening("echo", "--max-clients", "1", "{}") as s:
        with connect(s.port) as c:
            done = run(s.url)
            c.send("x")
            tap.check(done.code == 4 and "503" in done.err
                      and c.receive() == "x",
                      "--max-clients: one more is refused", done)
    with Listening("listen", "{}") as s:
        tap.check(page_of(f"http://127.0.0.1:{s.port}/")[0] == 400,
                  "listen: who asks for no WebSocket is refused")


@case(1)
def a_program_that_reads_nothing(tap):
    with Listening("listen", "--exec", "sleep 1000", "{}") as s:
        c = connect(s.port)
        c.send("x" * 500000)  # more than a pipe takes
        s.process.send_signal(signal.SIGTERM)
        code = s.ended()
        c.drop()
    tap.check(code == 0, "--exec: a program that reads nothing ends, too", code)


@case(1)
def an_environment_that_has_such_names(tap):
    seen = "echo $PATH_INFO $HTTP_ORIGIN $HTTP_X, $ELSE"  # by sh, and by env
    seen += "; env | grep -E '^(PATH_INFO|HTTP_ORIGIN|HTTP_X|ELSE)=' | sort"
    with Listening("listen", "--exec", seen, "{}",
                   env={"PATH_INFO": "ours", "HTTP_ORIGIN": "ours",
                        "ELSE": "ours"}) as s:
        origin = f"http://127.0.0.1:{s.port}"
        done = run("-E", "-o", origin, "-H", "X: 1", "-H", "X: 2",
                   f"{s.url}/theirs")
    tap.check(done.out.decode().splitlines() == [
        f"/theirs {origin} 1, ours", "ELSE=ours", f"HTTP_ORIGIN={origin}",
        "HTTP_X=1", "PATH_INFO=/theirs"],
        "--exec: the request comes before our own environment", done)


@case(7)
def listen_exec(tap):
    with Listening("listen", "--exec", "env | grep -E '^HTTP_(X|P)' | sort",
                   "{}") as s:
        done = run("-E", "-H", "X-One: 1", "-H", "Proxy: http://evil.test",
                   "-H", "X_Two: 2", "-H", "Prefer: a=b", s.url)
    tap.check(done.out == b"HTTP_PREFER=a=b\nHTTP_X_ONE=1\n",
              "--exec: fields of the request, and which not", done)
    with Listening("listen", "--exec", "echo $PATH_INFO $HTTP_ORIGIN; exec cat",
                   "{}") as s:
        one, two = connect(s.port, "/one", f"http://127.0.0.1:{s.port}"), \
            connect(s.port, "/two")
        tap.check([one.receive(), two.receive()] ==
                  [f"/one http://127.0.0.1:{s.port}", "/two"],
                  "--exec: each has a program, which knows who it is for")
        one.send("größer")
        two.send("x" * 100000)
        tap.check([one.receive(), two.receive()] == ["größer", "x" * 100000],
                  "--exec: messages are lines")
        tap.check(one.close() == 1000, "--exec: the client's end")
        s.process.send_signal(signal.SIGTERM)
        end = end_of(two)
        tap.check(end == ([], 1001, "") and s.ended() == 0,
                  "--exec: SIGTERM ends it while a program runs", end)
    with Listening("listen", "--exec", "echo bye", "{}") as s:
        end = end_of(connect(s.port))
    tap.check(end == (["bye"], 1000, "the program has ended"),
              "--exec: the program's end", end)
    with Listening("listen", "-b", "--exec", "head -c3; exit 3", "{}") as s:
        c = connect(s.port)
        c.send(b"\0\1\2")
        end = end_of(c)
    tap.check(end == ([b"\0\1\2"], 1011, "the program has failed"),
              "--exec: a program that fails, and bytes", end)


@case(2)
def listen_on_a_terminal(tap):
    with Terminal("listen", "127.0.0.1:0") as t:
        t.shows("listening on ")
        t.shows("> ")
        port = int(t.screen.partition("127.0.0.1:")[2].split()[0])
        c = connect(port)
        c.send("\x1b[2J")
        tap.check(t.shows("1< \\x1b[2J"), "listen: shows who says what",
                  t.screen)
        t.type("hello\r")
        said = c.receive()
        t.type("\x04")
        end = end_of(c)
        tap.check(said == "hello" and end == ([], 1000, "")
                  and t.ended() == 0 and t.is_as_before(),
                  "listen: what is typed goes to all", (said, end))


@case(6)
def echo(tap):
    with Listening("echo", "-z", "{}") as s:
        done = run("-z", "-v", s.url, given=b"a\nb\n")
        tap.check((done.code, done.out) == (0, b"a\nb\n")
                  and "permessage-deflate" in done.err, "echo: and compresses",
                  done)
        status, page = page_of(f"http://127.0.0.1:{s.port}/")
        tap.check(status == 200 and b"<html" in page, "echo: has a page")
        done = run("-o", "http://elsewhere.test", s.url)
        tap.check(done.code == 4, "echo: refuses another site's page", done)
        tap.check(s.end() == 0, "echo: SIGTERM ends it")
    with Listening("echo", "-o", "*", "-s", "a", "{}") as s:
        done = run("-v", "-o", "http://elsewhere.test", "-s", "a", s.url)
        tap.check(done.code == 0 and "subprotocol: a" in done.err,
                  "echo: -o and -s", done)
    with tempfile.TemporaryDirectory() as folder:
        cert = make_certificate(pathlib.Path(folder), "s", "DNS:localhost")
        with Listening("echo", "--cert", cert, "--key",
                       cert.with_suffix(".key"), "{}") as s:
            done = run("--cacert", cert, f"wss://localhost:{s.port}/",
                       given=b"x\n")
    tap.check((done.code, done.out) == (0, b"x\n"), "echo: by TLS", done)




@case(4)
def broadcast(tap):
    with Listening("broadcast", "{}") as s:
        red, also, blue = (connect(s.port, f"/{room}")
                           for room in ("red", "red", "blue"))
        for number, member in enumerate((red, also, blue)):
            member.send(f"here {number}")  # it has joined once it hears that
            while member.receive() != f"here {number}":
                pass
        red.send("hello")
        blue.send("sky")
        heard = []
        while (got := also.receive()) != "hello":
            heard.append(got)
        tap.check("sky" not in heard and blue.receive() == "sky",
                  "broadcast: a path is a room", heard)
        status, page = page_of(f"http://127.0.0.1:{s.port}/red")
        tap.check(status == 200 and b"<html" in page,
                  "broadcast: each has a page")
        red.send(b"\0")
        while (got := also.receive()) == "hello":
            pass
        tap.check(got == b"\0", "broadcast: binary messages, too", got)
        s.process.send_signal(signal.SIGTERM)
        ends = [end_of(member)[1] for member in (red, also, blue)]
        tap.check(ends == [1001] * 3 and s.ended() == 0,
                  "broadcast: SIGTERM says goodbye", ends)
