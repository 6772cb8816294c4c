# SPDX-License-Identifier: MIT
"""ticker and ticker_client: what the slow are spared."""

import json
import urllib.request

from harness import wait_until
from program import Program, Server, case
from websocket import connect

ADDR = Server.ADDR


def counters(server):
    url = f"http://127.0.0.1:{server.port}/counters"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def in_order(prices):
    """The numbers of each symbol only grow."""
    last = {}
    for price in prices:
        if price["number"] <= last.get(price["symbol"], 0):
            return False
        last[price["symbol"]] = price["number"]
    return last != {}


def newest(server):
    """What one hears who has just come."""
    with connect(server.port, "/prices") as c:
        return {price["symbol"]: price["number"] for price in
                (json.loads(c.receive()) for _ in range(100))}


@case(5, "ticker", "ticker_client")
def ticker(tap, program, client):
    with Server(program, ADDR) as s:
        with connect(s.port, "/prices") as quick:
            prices = [json.loads(quick.receive()) for _ in range(100)]
        tap.check(in_order(prices) and counters(s)["conflated"] == 0,
                  "ticker: who reads hears every price", prices[:3])

        with connect(s.port, "/prices", receive_buffer=4096) as slow:
            spared = wait_until(lambda: counters(s)["conflated"] > 1000)
            now = newest(s)
            # what the sockets hold, and then what has waited until now
            prices = [json.loads(slow.receive())]
            while any(price["number"] < now[symbol]
                      for price in prices[-1:]
                      if (symbol := price["symbol"]) in now):
                prices.append(json.loads(slow.receive()))
            got = counters(s)
        tap.check(spared and got["dropped"] == 0,
                  "ticker: who does not is spared what is out of date", got)
        tap.check(in_order(prices) and len(prices) < got["conflated"],
                  "ticker: and gets the newest of each", len(prices))

        with Program(client, f"{s.url}/prices", "1") as c:
            wait_until(lambda: len(c.lines) > 20)
            code = c.interrupt()
        numbers = [json.loads(line[6:]) for line in c.lines
                   if line.startswith("recv: ")]
        tap.check(code == 0 and in_order(numbers),
                  "ticker_client: reads them, until SIGINT", c.lines[-3:])
        tap.check(s.stop() == 0, "ticker: SIGTERM ends it with 0", s.lines)
