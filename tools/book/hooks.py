# SPDX-License-Identifier: MIT
"""What mkdocs does beside what mkdocs.yml says.

The book has the pages where the repository has them, and so their links; the
reference, which is made of the headers; and a page for each source that a page
links to, or a list of what is in the folder.  Comments are left out."""

import pathlib
import posixpath
import re

from mkdocs.structure.files import File, Files, InclusionLevel
from pages import REFERENCE, made, written

HERE = pathlib.Path(__file__).parent
CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(rf"{CODE.pattern}|\]\((?P<target>[^)#\s:]+)",
                  CODE.flags)
COMMENT = re.compile(rf"({CODE.pattern})|<!--.*?-->\n?", CODE.flags)
PICTURES = (".svg", ".png")
LANGUAGES = {".c": "c", ".h": "c", ".py": "python", ".sh": "sh", ".js": "js",
             ".html": "html", ".json": "json", ".build": "meson",
             ".conf": "nginx"}


def place_of(uri, target):
    """From the root, of what the page links to."""
    return posixpath.normpath(f"{posixpath.dirname(uri)}/{target}".lstrip("/"))


# ---- Sources ----------------------------------------------------------------

def language_of(uri, text):
    first = text.partition("\n")[0]
    if first.startswith("#!"):
        return "python" if "python" in first else "sh"
    return LANGUAGES.get(posixpath.splitext(uri)[1], "text")


def source_page(root, uri):
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {uri}\n\n"
    if (root / uri).is_dir():
        folder = posixpath.basename(uri)
        return head + "".join(f"- [{file.name}]({folder}/{file.name})\n"
                              for file in files_in(root / uri))
    text, fence = (root / uri).read_text(), "`" * 8
    return head + f"{fence}{language_of(uri, text)}\n{text}{fence}\n"


def files_in(folder):
    return sorted(file for file in folder.iterdir() if file.is_file())


def sources_of(root, pages):
    """What pages link to that is no page, and what is in the folders among
    these."""
    wanted = {place_of(uri, link["target"]) for uri, text in pages.items()
              for link in LINK.finditer(text) if link["target"]}
    wanted |= {str(file.relative_to(root)) for uri in wanted
               if (root / uri).is_dir() for file in files_in(root / uri)}
    return sorted(uri for uri in wanted if (root / uri).exists()
                  and not uri.endswith((".md", *PICTURES)))


def page_of(uri):
    """Of a source: that of a header is its reference."""
    header = re.fullmatch(r"include/silverback(?:/(\w+))?\.h", uri)
    return f"{REFERENCE}{header[1] or 'README'}.md" if header \
        else f"{uri}.md"


# ---- What mkdocs calls ------------------------------------------------------

def nav_of(reference):
    first, *headers = reference
    return [{"All of it": first}, *headers]


def on_files(files, config):
    root = pathlib.Path(config.config_file_path).parent
    reference, pages = made(root), written(root)
    sources = sources_of(root, pages)
    config.extra["sources"] = sources
    config.nav = [{title: nav_of(reference) if item == "docs/reference" else item
                   for title, item in part.items()} for part in config.nav]
    ours = [File.generated(config, uri, content=text)
            for uri, text in {**pages, **reference}.items()]
    ours += [File.generated(config, page_of(uri),
                             content=source_page(root, uri),
                             inclusion=InclusionLevel.NOT_IN_NAV)
              for uri in sources if page_of(uri) not in reference]
    ours += [File.generated(config, f"{folder}/{file.name}",
                             abs_src_path=str(file))
              for folder, place in (("docs", root / "docs"),
                                    ("assets", HERE / "assets"))
              for file in files_in(place) if file.suffix != ".md"]
    of_theme = [file for file in files if file.src_dir != config.docs_dir]
    return Files([*of_theme, *ours])


def on_page_markdown(markdown, page, config, **_):
    """Links to sources go to the pages of these."""
    uri = page.file.src_uri

    def relinked(link):
        source = link["target"] and place_of(uri, link["target"])
        if source not in config.extra["sources"]:
            return link[0]
        return "](" + posixpath.relpath(page_of(source),
                                        posixpath.dirname(uri) or ".")

    markdown = COMMENT.sub(lambda part: part[1] or "", markdown)
    return LINK.sub(relinked, markdown)


def on_post_build(config, **_):
    """What is for a site with an address of its own goes."""
    for name in "404.html", "sitemap.xml", "sitemap.xml.gz":
        pathlib.Path(config.site_dir, name).unlink()
