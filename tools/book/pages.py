# SPDX-License-Identifier: MIT
"""The texts of the book's pages, by their places from the root of the
repository."""

import pathlib
import re
import subprocess
import sys
import tempfile

PAGES = ("*.md", "docs/**/*.md", "examples/*.md", "findings/*.md",
         "tests/*/*.md")
REFERENCE = "docs/reference/"  # of the headers, by tools/reference


def written(root):
    return {str(page.relative_to(root)): page.read_text()
            for pattern in PAGES for page in sorted(root.glob(pattern))}


def made(root):
    """Those of the reference, the first one first."""
    version = re.search(r"version: '(.*)'", (root / "meson.build").read_text())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, root / "tools/reference", root,
                        version[1], folder], check=True)
        pages = sorted(pathlib.Path(folder, "reference").glob("*.md"),
                       key=lambda page: (page.stem != "README", page.stem))
        return {f"{REFERENCE}{page.name}": page.read_text() for page in pages}
