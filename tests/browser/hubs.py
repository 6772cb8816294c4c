# SPDX-License-Identifier: MIT
"""The pages of chat and ticker."""

from harness import wait_until
from page import ADDR, page
from websocket import connect

ODD = "<i>größer</i> & 你好"  # shown as it is, not as markup
KEPT = 1024  # of what was said in a room


def say(p, name, text):
    browser = p.browser
    if browser.value("#name") != name:
        browser.type("#name", name)
    browser.type("#input", text)
    browser.click("#send")


def say_elsewhere(p, texts):
    """By somebody with a network that works; and all of it is said."""
    with connect(p.port, "/chat/lobby?name=Bob") as c:
        for text in texts:
            c.send(text)
        while not c.receive().endswith(text):
            pass


@page(16)
def chat(p):
    browser = p.browser
    with p.served(ADDR):
        p.shows("connects by itself", "#state", "connected")
        say(p, "Ada", "is anybody here?")
        p.shows("one hears oneself", "#output", "Ada: is anybody here?")
        first, second = browser.window(), browser.new_window()
        browser.switch(second)
        browser.load(p.url)
        p.shows("who comes later hears what was said", "#output",
                "Ada: is anybody here?")
        say(p, "Grace", ODD)
        both = f"Ada: is anybody here?\nGrace: {ODD}"
        p.shows("and is heard", "#output", both)
        p.shows("the page says who is here", "#here", "2 here: Ada, Grace")
        p.check(browser.value("#input") == "", "the input is empty again")
        browser.load(p.url + "elsewhere")
        p.shows("another room has other words", "#here",
                lambda text: text.startswith("1 here: guest"))
        p.check(browser.text("#output") == "", "which is empty")
        browser.close_window(second, back_to=first)
        p.shows("the first page hears the second", "#output", both)
        p.check(browser.count("#output i") == 0, "markup is shown as text")

        p.front.cut()
        lost = both + "\nthe connection is lost"
        p.shows("a connection that is lost", "#output", lost)
        say_elsewhere(p, ["Bob: where are you?"])
        say(p, "Ada", "on a train")
        p.front.mend()
        back = (lost + "\nconnected again\nBob: where are you?"
                "\nAda: on a train")
        p.shows("comes back, and what was missed with it", "#output", back)

        p.front.cut()
        say_elsewhere(p, [f"Bob: {n}" for n in range(KEPT + 3)])
        p.front.mend()
        gap = (f"{back}\nthe connection is lost\nconnected again\n"
               "3 messages are missing\nBob: 3\n")
        p.shows("a gap is shown", "#output", lambda text:
                text.startswith(gap) and text.endswith(f"\nBob: {KEPT + 2}"))
    p.shows("the page sees that the server is gone", "#state",
            lambda text: text.startswith("lost ("))


@page(6)
def ticker(p):
    with p.served(ADDR):
        p.shows("connects by itself", "#state", "connected")
        wait_until(lambda: p.browser.count("#prices tr") == 8)
        p.shows("shows each symbol once", "#prices", lambda text:
                sorted(line[0] for line in text.splitlines()) ==
                list("ABCDEFGH"))
        p.shows("shows what was counted", "#counters", lambda text:
                "published, " in text and "delivered" in text)
    p.shows("the page sees that the server closed", "#state", "closed")
