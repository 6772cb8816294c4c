# SPDX-License-Identifier: MIT
"""The pages of echo and hello: Open, Send, Close, and a list of what was."""

from page import ADDR, page

ODD = "<b>größer</b> & 你好"  # shown as it is, not as markup


def press_buttons(p):
    browser, lines = p.browser, []

    def then(what, *new):
        lines.extend(new)
        p.shows(what, "#output", "\n".join(lines))

    then("at first nothing is shown")
    browser.click("#send")
    then("Send without a connection does nothing")
    browser.click("#open")
    then("Open", "OPEN")
    browser.click("#open")
    browser.click("#send")
    then("Send, after a second Open that does nothing",
         "SEND: Hello world!", "RESPONSE: Hello world!")
    browser.type("#input", ODD)
    browser.click("#send")
    then("Send of markup", f"SEND: {ODD}", f"RESPONSE: {ODD}")
    p.check(browser.count("#output b") == 0, "markup is shown as text")
    browser.type("#input", "by the return key\ue007")
    then("the return key sends",
         "SEND: by the return key", "RESPONSE: by the return key")
    browser.click("#close")
    then("Close", "CLOSE")
    browser.click("#send")
    then("Send after Close does nothing")
    browser.click("#open")
    then("Open again", "OPEN")


def try_page(p):
    with p.served(ADDR):
        p.check(p.browser.value("#input") == "Hello world!",
                "the input says Hello world!")
        press_buttons(p)
    p.shows("the page sees that the server closed", "#output",
            lambda text: text.endswith("OPEN\nCLOSE"))


@page(14)
def echo(p):
    try_page(p)


@page(14)
def hello(p):
    try_page(p)
