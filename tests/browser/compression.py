# SPDX-License-Identifier: MIT
"""The browser has compressed messages echoed."""

from harness import PATIENCE, start_server, stop
from relay import Relay

CHECKS = 4
SIZES = (10, 1023, 1024, 4096, 65535, 300000)

ECHO = """
const [url, sizes, done] = arguments;
const socket = new WebSocket(url);
const text = (n) => Array.from({length: n}, (_, i) => i * i % 977).join(" ")
    .slice(0, n);
const answers = [];
socket.onopen = () => sizes.forEach((n) => socket.send(text(n)));
socket.onmessage = (event) => {
    answers.push(event.data === text(sizes[answers.length]));
    if (answers.length === sizes.length)
        socket.close(1000);
};
socket.onclose = (event) => done([event.code, answers]);
"""


def try_compression(tap, browser, server_exe, compressor):
    """Several times, since a window that went wrong shows later."""
    process, port = start_server(
        lambda port: [server_exe, "--deflate", str(port)])
    relay = Relay(port)
    sizes = 3 * SIZES
    got = browser.call(ECHO, f"ws://127.0.0.1:{relay.port}/", sizes)
    relay.join(PATIENCE)
    tap.check(got == [1000, [True] * len(sizes)],
              f"deflate: {len(sizes)} messages are echoed", got)
    n = relay.to_client.compressed()
    tap.check(n == len(sizes), "deflate: all answers are compressed", n)
    n, want = relay.to_client.in_last_blocks(), compressor == "libdeflate"
    tap.check((n > 0) == want,
              f"deflate: {'some' if want else 'no'} answer is a last block", n)
    code = stop(process)
    tap.check(code == 0, "deflate: SIGTERM ends the server with 0", code)
