# SPDX-License-Identifier: MIT
"""The browser has messages echoed: compressed, with and without context
takeover, and not."""

from harness import PATIENCE, start_server, stop
from relay import Relay

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

WAYS = {  # name: options of the server
    "deflate": ["--deflate"],
    "takeover": ["--deflate", "--takeover", "15"],
    "plain": [],
}
CHECKS = 3 * len(WAYS)


def try_compression(tap, browser, server_exe):
    for name, options in WAYS.items():
        try_way(tap, browser, name, [server_exe, *options])


def try_way(tap, browser, name, command):
    """Several times, since a window that went wrong shows later."""
    process, port = start_server(lambda port: [*command, str(port)])
    relay = Relay(port)
    sizes = 3 * SIZES
    got = browser.call(ECHO, f"ws://127.0.0.1:{relay.port}/", sizes)
    relay.join(PATIENCE)
    tap.check(got == [1000, [True] * len(sizes)],
              f"{name}: {len(sizes)} messages are echoed", got)
    compressed = relay.to_client.compressed()
    want = 0 if name == "plain" else len(sizes)
    tap.check(compressed == want, f"{name}: {want} answers are compressed",
              compressed)
    code = stop(process)
    tap.check(code == 0, f"{name}: SIGTERM ends the server with 0", code)
