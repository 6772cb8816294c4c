# SPDX-License-Identifier: MIT
"""The program of tests/embed, with the package."""

import pathlib
import shlex

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.gnu import PkgConfigDeps
from conan.tools.layout import basic_layout

APP = pathlib.Path(__file__).resolve().parents[3] / "tests/embed/app.c"


class SilverbackTest(ConanFile):
    settings = "os", "compiler", "build_type", "arch"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        basic_layout(self)

    def generate(self):
        PkgConfigDeps(self).generate()

    def build(self):
        at = shlex.quote(self.generators_folder)
        self.run(f"cc {shlex.quote(str(APP))} -o app $(PKG_CONFIG_PATH={at} "
                 "pkg-config --cflags --libs silverback)")

    def test(self):
        if can_run(self):
            self.run("./app", env="conanrun")
