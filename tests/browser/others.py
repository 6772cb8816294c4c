# SPDX-License-Identifier: MIT
"""The pages that connect by themselves, or at one button."""

import pathlib
import tempfile

from page import ADDR, page

ODD = "<i>größer</i> & 你好"  # shown as it is, not as markup


@page(7)
def upper(p):
    with p.served(ADDR):
        p.shows("connects by itself", "#state", "connected")
        p.browser.click("#send")
        p.shows("Send", "#result", "STRAIGHT-LINE C")
        p.browser.type("#content", f"{ODD}\ue007")
        p.shows("the return key sends, markup is shown as text", "#result",
                "<I>GRÖßER</I> & 你好")
        p.browser.type("#content", "ž")
        p.browser.click("#send")
        p.shows("and again", "#result", "Ž")
    p.shows("the page sees that the server closed", "#state", "closed")


@page(6)
def temperature(p):
    with tempfile.TemporaryDirectory() as folder:
        count = pathlib.Path(folder, "count")
        count.write_text("40")
        command = (f"n=$(($(cat {count}) + 1)); echo $n >{count}; "
                   'echo "Core 0:  +$n.0°C  <b>(high = +105.0°C)</b>"')
        root = pathlib.Path(__file__).resolve().parents[2] / "examples"
        with p.served(ADDR, str(root / "temperature"), command):
            p.shows("at first nothing is shown", "#temp", "")
            p.browser.click("#run")
            reading = "Core 0:  +{}.0°C  <b>(high = +105.0°C)</b>"
            p.shows("shows a reading", "#temp", reading.format(41))
            p.shows("shows the next", "#temp", reading.format(42))
        p.shows("the page sees that the server closed", "#state", "closed")


@page(6)
def command(p):
    script = 'echo ready; read line; echo "got $line"; read line; exec ls -d /'
    with p.served(ADDR, "sh", "-c", script):
        p.shows("shows the output", "#output", "ready")
        p.browser.type("#input", f"{ODD}\ue007")
        p.shows("the return key sends a line", "#output",
                f"ready\ngot {ODD}")
        p.browser.click("#send")
        p.shows("shows output until the end", "#output",
                f"ready\ngot {ODD}\n/")
        p.shows("says that the program has ended", "#state",
                "the program has ended")


@page(6)
def filewatch(p):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "file")
        file.write_text("first\n")
        with p.served(str(file), ADDR):
            p.shows("shows the file", "#content", "first")
            with file.open("a") as f:
                f.write(f"second {ODD}\n")
            p.shows("shows what is added", "#content", f"first\nsecond {ODD}")
            p.shows("counts the versions", "#state",
                    lambda text: text.startswith("version "))
        p.shows("the page sees that the server closed", "#state", "closed")
