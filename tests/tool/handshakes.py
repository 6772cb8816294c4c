# SPDX-License-Identifier: MIT
"""What the request says, and the way that it takes."""

import base64
import re
import tempfile

from harness import Raw
from program import case
from tool import Collecting, answer, run


def fields_of(*args, env=None):
    """Of the request that it makes."""
    with Collecting() as s:
        done = run(*args, s.url, env=env)
    return (s.fields[0] if s.fields else {}), s.targets, done


@case(6)
def headers(tap):
    fields, _, done = fields_of("-H", "X-One: 1", "-H", "X-Two:2",
                                "-o", "https://a.test", "--cookie", "a=1",
                                "--cookie", "b=2", "-u", "me:pass:word")
    tap.check((fields.get("x-one"), fields.get("x-two")) == ("1", "2"),
              "-H: fields of the request", done)
    tap.check(fields.get("origin") == "https://a.test", "-o: its Origin")
    tap.check(fields.get("cookie") == "a=1; b=2", "--cookie: several")
    tap.check(fields.get("authorization") ==
              "Basic " + base64.b64encode(b"me:pass:word").decode(),
              "-u: Basic authentication", fields)
    with Raw(answer("HTTP/1.1 404 No", "Content-Length: 0")) as s:
        run("-s", "chat.v2", "-s", "chat.v1", s.url)
    tap.check("\r\nSec-WebSocket-Protocol: chat.v2, chat.v1\r\n" in s.result,
              "-s: subprotocols", s.result)
    fields, _, done = fields_of("-H", "Host: other.test")
    tap.check(fields.get("host") == "other.test", "-H: another Host", done)


@case(4)
def compression(tap):
    for args, want in [((), None), (("-z",), "permessage-deflate"),
                       (("-z=takeover,12",), "12"),
                       (("-z", "--no-compress"), None)]:
        fields, _, done = fields_of(*args)
        got = fields.get("sec-websocket-extensions")
        tap.check(done.code == 0 and (got is None if want is None
                                      else want in (got or "")),
                  f"offers with {' '.join(args) or 'nothing'}: {want}", got)


@case(3)
def url(tap):
    _, targets, done = fields_of()
    tap.check(targets == ["/"], "a URL without a path", done)
    with Collecting() as s:
        done = run(s.url[len("ws://"):] + "/a?b")
    tap.check(s.targets == ["/a?b"] and done.code == 0,
              "a URL without a scheme", done)
    with Collecting() as s:
        done = run(s.url.replace("ws://", "http://"))
    tap.check(done.code == 0, "the URL of the page", done)


@case(5)
def ways(tap):
    with Collecting() as s:
        port = s.url.rpartition(":")[2]
        done = run("--resolve", f"far.test:{port}:127.0.0.1",
                   f"ws://far.test:{port}/")
    tap.check(done.code == 0 and s.fields[0]["host"] == f"far.test:{port}",
              "--resolve: the host is asked for elsewhere", done)
    with Collecting() as s:
        done = run("-4", s.url.replace("127.0.0.1", "localhost"))
    tap.check(done.code == 0, "-4: by IPv4", done)
    done = run("-6", "ws://127.0.0.1:1/")
    tap.check(done.code == 2, "-6: an address of IPv4 is none", done)
    with Raw(answer("HTTP/1.1 403 No", "Content-Length: 0")) as s:
        done = run("ws://elsewhere.test/",
                   env={"http_proxy": f"http://127.0.0.1:{s.port}"})
    tap.check(done.code == 2 and "CONNECT" in s.result,
              "the environment's proxy is used", done)
    with tempfile.TemporaryDirectory() as folder:
        with Collecting(path=f"{folder}/s") as s:
            done = run("--unix", f"{folder}/s", "ws://name.test/x")
    tap.check(done.code == 0 and s.targets == ["/x"]
              and s.fields[0]["host"] == "name.test",
              "--unix: by a local socket", (done, s.targets))


@case(3)
def shown(tap):
    with Collecting() as s:
        done = run("-v", s.url)
    tap.check("HTTP status 101" in done.err and done.out == b"",
              "-v shows the answer", done)
    with Raw(answer("HTTP/1.1 403 No", "X-Why: because",
                    "Content-Length: 4", body=b"no\x1b!")) as s:
        done = run("-v", s.url)
    tap.check("X-Why: because" in done.err and "no\\x1b!" in done.err,
              "-v shows a refusal, and what a terminal would obey", done)
    with Collecting() as s:
        done = run("-vv", s.url, given=b"abc\n")
    tap.check("-> text fin 3 B" in done.err and "<- close fin 2 B" in done.err,
              "-vv shows frames", done)

