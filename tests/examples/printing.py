# SPDX-License-Identifier: MIT
"""What peers say is printed, but not what a terminal would obey."""

import contextlib
import json
import pathlib
import re
import tempfile

from harness import wait_until
from program import Program, Server, case
from websocket import CLOSE, Ended, Scripted, connect

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A colour, a bell, the other escape of a terminal, and what looks like a line
# of our own.
NASTY = "é\x1b[31m\a\x7f\x9b2J\r\nrecv: à"
CLEAN = "é\\x1b[31m\\x07\\x7f\\x9b2J\\x0d\\x0arecv: à"


def shows(tap, name, program):
    """It has printed what was sent, in one line."""
    ok = wait_until(lambda: any(CLEAN in line for line in program.lines))
    bad = [line for line in program.lines
           if any(c < " " or "\x7f" <= c < "\xa0" for c in line)]
    tap.check(ok and not bad, f"{name}: control bytes are shown, not sent on",
              program.lines)


def served(tap, name, server, *arguments, path="/", says=NASTY):
    """A server is told."""
    with Server(server, *(arguments or [Server.ADDR])) as s:
        with connect(s.port, path) as c:
            c.send(says)
            shows(tap, name, s)


def told(tap, name, client, *arguments, reason=b""):
    """A client is, in a message or in a close frame."""
    def talk(connection, _):
        if not reason:
            connection.send(NASTY)
        with contextlib.suppress(Ended):
            connection.receive()
            connection.send_frame(CLOSE, (1007).to_bytes(2, "big") + reason)
            connection.receive()

    with Scripted(talk) as server:
        with Program(client, server.url, *arguments) as c:
            shows(tap, name, c)


@case(1)
def none_prints_by_printf(tap):
    raw = re.compile(r"\bf?printf\([^;]*(\bm\.data|m->data|ws_close_reason)")
    bad = [file.name for file in sorted(ROOT.glob("examples/*.c"))
           if raw.search(file.read_text())]
    tap.check(not bad, "examples: what a peer says goes by print_line", bad)


@case(3, "echo", "hello", "upper")
def printed_by_echoes(tap, echo, hello, upper):
    served(tap, "echo", echo, path="/echo")
    served(tap, "hello", hello, path="/ws")
    served(tap, "upper", upper, path="/test1")


@case(3, "echo_push", "gorilla_echo", "temperature")
def printed_by_greeters(tap, echo_push, gorilla_echo, temperature):
    served(tap, "echo_push", echo_push)
    served(tap, "gorilla_echo", gorilla_echo)
    with tempfile.TemporaryDirectory() as root:
        served(tap, "temperature", temperature, Server.ADDR, root, "echo 42",
               path="/GetTemp")


@case(3, "client", "echo_push_client", "gorilla_client")
def printed_by_clients(tap, client, echo_push_client, gorilla_client):
    told(tap, "client", client)
    told(tap, "echo_push_client", echo_push_client)
    told(tap, "gorilla_client", gorilla_client)


@case(1, "redial")
def printed_by_redial(tap, redial):
    told(tap, "redial", redial)


@case(1, "gorilla_client")
def printed_at_the_end(tap, gorilla_client):
    def talk(connection, _):
        connection.send_frame(
            CLOSE, (1000).to_bytes(2, "big") + NASTY.encode())

    with Scripted(talk) as server:
        with Program(gorilla_client, server.url) as c:
            shows(tap, "gorilla_client's end", c)


@case(1, "gorilla_echo")
def printed_of_a_path(tap, gorilla_echo):
    with Server(gorilla_echo, Server.ADDR) as s:
        with connect(s.port, "/%C3%A9%1b[31m%07%7f%C2%9b2J%0d%0arecv:%20à"):
            shows(tap, "gorilla_echo's path", s)


@case(2, "person_json", "person_json_client")
def printed_of_json(tap, server, client):
    served(tap, "person_json", server,
           says=json.dumps({"Name": "J", "Emails": [NASTY]}))
    told(tap, "person_json_client", client, reason=NASTY.encode())


@case(1, "person_xml_client")
def printed_of_xml(tap, client):
    told(tap, "person_xml_client", client, reason=NASTY.encode())
