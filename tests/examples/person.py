# SPDX-License-Identifier: MIT
"""The persons of the book's chapter, as JSON and as XML: good ones, and what
the servers refuse."""

from program import Program, Server, case
from websocket import CLOSE, Ended, Scripted, connect

ADDR = Server.ADDR
REASON = b"no such person"
JAN = ["Name: Jan", "An email: ja@newmarch.name",
       "An email: jan.newmarch@gmail.com"]
ODD = ["Zoë <\"&'>", "a&b@example.com", ""]

# As the book's own programs send them.
GO_JSON = '{"Name":"Jan","Emails":["ja@newmarch.name",' \
    '"jan.newmarch@gmail.com"]}'
GO_XML = "<Person><Name>Jan</Name><Emails>ja@newmarch.name</Emails>" \
    "<Emails>jan.newmarch@gmail.com</Emails></Person>"

NO_PERSON_IN_JSON = [
    "", "{", "[1", '{"Name":"Jan","Emails":[]}{}', "null", '"Jan"', "[]", "{}",
    '{"Name":"Jan"}', '{"Emails":[]}', '{"Name":1,"Emails":[]}',
    '{"Name":"Jan","Emails":"ja@newmarch.name"}',
    '{"Name":"Jan","Emails":[1]}', '{"Name":"Jan","Emails":[null]}',
    '{"Name":"Jan","Emails":[],"Age":1}',
    '{"Name":"Jan","Name":"Jan","Emails":[]}', "[" * 100000, b"\xff",
]
NO_PERSON_IN_XML = [
    "", "<", "<Person>", "<Person/>", "<Name>Jan</Name>", "text",
    "<Person><Name>Jan</Name></Person><Person/>",
    "<Person><Name>Jan</Name><Name>Jan</Name></Person>",
    "<Person>text<Name>Jan</Name></Person>",
    "<Person><Name>Jan<b/></Name></Person>",
    "<Person><Name>Jan</Name><Age>1</Age></Person>",
    "<Person><Name>Jan</Person></Name>",
    "<Person xmlns='other'><Name>Jan</Name></Person>",
    "<!DOCTYPE Person [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>"
    "<Person><Name>&e;</Name></Person>",
    "<a>" * 100000, b"<Person><Name>\xff</Name></Person>",
]


def refusal_of(port, message):
    """The code of the server's close frame, and its reason."""
    with connect(port) as c:
        c.send(message)
        try:
            return c.receive()
        except Ended as end:
            return end.code, bool(end.reason)


def sent_by(client, *arguments):
    """What a client sends, and how it ends."""
    got = []

    def talk(connection, _):
        got.append(connection.receive())
        connection.close(1000)

    with Scripted(talk) as server:
        code = Program(client, server.url, *arguments).ended()
    return code, got[0]


def refused(client, *arguments):
    """How a client ends whose person is refused."""
    def talk(connection, _):
        connection.receive()
        connection.send_frame(CLOSE, (1007).to_bytes(2, "big") + REASON)

    with Scripted(talk) as server:
        c = Program(client, server.url, *arguments)
        return c.ended(), c.lines


def persons(tap, name, server, client, goods, bads, shape):
    with Server(server, ADDR) as s:
        code = Program(client, s.url).ended()
        s.has(JAN[-1])
        tap.check((code, s.lines[-3:]) == (0, JAN),
                  f"{name}: a person goes there", s.lines)
        code = Program(client, s.url, *ODD).ended()
        want = [f"Name: {ODD[0]}"] + [f"An email: {e}" for e in ODD[1:]]
        s.has(want[-2])
        tap.check(code == 0 and s.lines[-3:] == want,
                  f"{name}: and one with any characters", s.lines)
        got = [refusal_of(s.port, good) for good in goods]
        tap.check(got == [(1000, False)] * len(goods),
                  f"{name}: the server takes what the book's client sends",
                  got)
        got = [refusal_of(s.port, bad) for bad in bads]
        tap.check(got == [(1007, True)] * len(bads),
                  f"{name}: {len(bads)} that are none are refused with 1007",
                  got)
        code = s.stop()  # and has said all that it had to say
        said = sum(line.startswith("Can't receive: ") for line in s.lines)
        tap.check(said == len(bads), f"{name}: and the server says so", said)
        tap.check(code == 0, f"{name}: SIGTERM ends the server with 0")
    got = sent_by(client)
    tap.check(got[0] == 0 and shape in got[1],
              f"{name}: the client sends what the book's server takes", got)
    got = refused(client)
    tap.check(got == (1, [f"The server refused it: {REASON.decode()}"]),
              f"{name}: a client that is refused says so", got)
    c = Program(client)
    tap.check(c.ended() == 1 and c.lines[0].startswith("usage: "),
              f"{name}: the client says how it is used", c.lines)


@case(9, "person_json", "person_json_client")
def person_json(tap, server, client):
    goods = [GO_JSON, GO_JSON.encode(), '{"Emails": [], "Name": ""}']
    persons(tap, "json", server, client, goods, NO_PERSON_IN_JSON, GO_JSON)


@case(9, "person_xml", "person_xml_client")
def person_xml(tap, server, client):
    goods = [GO_XML, GO_XML.encode(), "<Person>\n <Name/>\n</Person>\n"]
    persons(tap, "xml", server, client, goods, NO_PERSON_IN_XML, GO_XML)
