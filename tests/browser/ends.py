# SPDX-License-Identifier: MIT
"""How a connection ends, as the browser tells its page."""

import pathlib
import threading

from harness import PATIENCE, start_server, stop, wait_until
from relay import Relay

# Says hello, and calls back with what the page is told of the end; closes by
# itself when it is answered, if it is to.
TRY = """
const [url, closes, done] = arguments;
const socket = new WebSocket(url);
socket.onopen = () => socket.send("hello");
socket.onmessage = () => closes && socket.close(4001);
socket.onclose = (event) => done([event.code, event.reason, event.wasClean]);
"""

CHECKS = 5


def try_ends(tap, browser, build, server_exe):
    def check(what, want, port, closes=False, then=lambda relay: None):
        """then(relay) is called once the server has said something."""
        relay = Relay(port)

        def wait():
            wait_until(lambda: relay.to_client.frames)
            then(relay)
        waiting = threading.Thread(target=wait)
        waiting.start()
        got = browser.call(TRY, f"ws://127.0.0.1:{relay.port}/run", closes)
        waiting.join()
        relay.join(PATIENCE)
        tap.check(got == want, f"end: {what}", f"wanted {want}, got {got}")

    process, port = start_server(lambda port: [server_exe, str(port)])
    check("the page closes", [4001, "", True], port, closes=True)
    check("the connection breaks", [1006, "", False], port,
          then=lambda relay: relay.cut())
    code = []
    check("the server goes away", [1001, "", True], port,
          then=lambda relay: code.append(stop(process)))
    tap.check(code == [0], "end: SIGTERM ends the server with 0", code)

    process, port = start_server(lambda port: [
        pathlib.Path(build, "examples", "command"), f"127.0.0.1:{port}",
        "head", "-c", "1"])
    browser.load(f"http://127.0.0.1:{port}/")
    got = browser.call(TRY, f"ws://127.0.0.1:{port}/run", False)
    tap.check(got == [1000, "the program has ended", True],
              "end: the server closes", got)
    stop(process)
