# SPDX-License-Identifier: MIT
"""--reconnect."""

from harness import Raw, free_port
from program import case
from tool import answer, messages_until_end, run
from websocket import Scripted


@case(4)
def reconnect(tap):
    seen = []

    def talk(connection, _target):
        seen.append(connection.receive())
        connection.send(f"answer {len(seen)}")
        if len(seen) == 1:
            return  # hangs up
        messages_until_end(connection)

    with Scripted(talk, connections=2) as s:
        done = run("--reconnect", "-m", "hello", "-n", "2", s.url)
    tap.check((done.code, done.out) == (0, b"answer 1\nanswer 2\n"),
              "--reconnect: comes back", done)
    tap.check(seen == ["hello", "hello"], "and says -m again", seen)

    done = run("--reconnect=1", f"ws://127.0.0.1:{free_port()}/")
    tap.check(done.code == 2 and "attempt 1" in done.err
              and "attempt 2" not in done.err,
              "--reconnect=1: gives up after one attempt more", done)
    with Raw(answer("HTTP/1.1 404 No", "Content-Length: 0")) as s:
        done = run("--reconnect", s.url)
    tap.check(done.code == 4, "--reconnect: not where it is hopeless", done)

