#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""website.py ROOT BUILD: the book is built without a warning, each of its links
leads somewhere, it asks nothing of other hosts, and its search finds things
when it is opened as files.

Each of these rules is tried with a page that breaks it, too."""

import html.parser
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import HINT, PATIENCE, noticed, report  # noqa: E402

FETCHED = {("script", "src"), ("img", "src"), ("link", "href"),
           ("iframe", "src"), ("source", "src"), ("object", "data")}
SEARCHED = "ws_hub_presence"


class Page(html.parser.HTMLParser):
    """Its links, what a browser fetches for it, and its anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.fetched, self.anchors = [], [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src", "data"):
                self.links.append(value or "")
            if (tag, name) in FETCHED:
                self.fetched.append(value or "")
            if name in ("id", "name"):
                self.anchors.add(value)


class Book:
    def __init__(self, folder):
        self.folder = folder
        self.pages = {file: Page(file.read_text())
                      for file in sorted(folder.rglob("*.html"))}

    def broken(self, file):
        for link in self.pages[file].links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            to = (file.parent / urllib.parse.unquote(parts.path)).resolve() \
                if parts.path else file
            if not to.is_file() or not to.is_relative_to(self.folder):
                yield f"{link} is not there"
            elif parts.fragment and to in self.pages and \
                    urllib.parse.unquote(parts.fragment) \
                    not in self.pages[to].anchors:
                yield f"{link} is not on that page"

    def foreign(self, file):
        return [f"{link} is fetched" for link in self.pages[file].fetched
                if re.match(r"(\w+:)?//", link)]

    def name(self, file):
        return str(file.relative_to(self.folder))


def built(root, build, folder):
    """What it said."""
    done = subprocess.run([root / "tools/book/build", build, folder],
                          check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout or (f"failed: {HINT}" if done.returncode else "")


def seen(url):
    """The page in a browser without a network, after its scripts have run."""
    chromium = next(filter(None, map(shutil.which, (
        "chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu",
             "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--user-data-dir={profile}", "--virtual-time-budget=20000",
             "--dump-dom", url], check=False, text=True, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def found(folder, words):
    """Where the search leads to."""
    dom = seen(f"{(folder / 'index.html').as_uri()}?q={words}")
    return re.findall(r'<a href="([^"]+)" class="md-search-result__link"', dom)


def checks(root, build, folder):
    said = built(root, build, folder)
    yield "the book is built without a warning", [said] if said else []
    book = Book(folder)
    yield "it has pages", [] if len(book.pages) > 50 else [len(book.pages)]
    for rule, what in ((book.broken, "no link is broken"),
                       (book.foreign, "nothing is fetched from elsewhere")):
        yield what, [f"{book.name(file)}: {problem}" for file in book.pages
                     for problem in rule(file)]
    places = found(folder, SEARCHED)
    yield "the search finds a function's reference", \
        [] if any("docs/reference/hub.html" in place for place in places) \
        else [f"it finds {places}"]

    for text, rule in (('<a href="nowhere.html">', book.broken),
                       ('<a href="docs/tls.html#nowhere">', book.broken),
                       ('<img src="nowhere.svg">', book.broken),
                       ('<script src="https://example.com/x.js">', book.foreign),
                       ('<img src="//example.com/x.svg">', book.foreign)):
        book.pages[folder / "index.html"] = Page(text)
        yield noticed(text, rule(folder / "index.html"))


def main(root, build):
    with tempfile.TemporaryDirectory() as folder:
        return report(checks(pathlib.Path(root), build,
                             pathlib.Path(folder).resolve()))


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
