# SPDX-License-Identifier: MIT
"""Of the tree that it stands in, for Conan 2:

    conan create packaging/conan

Tried with Conan's openssl and zlib taken from the system (its centre could not
be reached), as platform_requires of the profile."""

import pathlib
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, rmdir
from conan.tools.gnu import PkgConfigDeps
from conan.tools.layout import basic_layout
from conan.tools.meson import Meson, MesonToolchain

TREE = pathlib.Path(__file__).resolve().parents[2]


class Silverback(ConanFile):
    name = "silverback"
    description = "WebSockets in straight-line C"
    license = "MIT"
    topics = ("websocket", "http", "fibers")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {
        "shared": [True, False],
        "with_libdeflate": [True, False],
        "with_redis": [True, False],
    }
    default_options = {
        "shared": False,
        "with_libdeflate": False,
        "with_redis": False,
    }
    languages = "C"

    def set_version(self):
        self.version = re.search(r"version: '([\d.]+)'",
                                 (TREE / "meson.build").read_text())[1]

    def export_sources(self):
        for pattern in ("meson*", "LICENSE", "*.md", "docs/*", "include/*",
                        "lib/*", "packaging/*", "tests/meson.build",
                        "tests/tree.py", "tools/*"):
            copy(self, pattern, TREE, self.export_sources_folder)

    def layout(self):
        basic_layout(self, src_folder=".")

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("silverback is for Linux")

    def requirements(self):
        self.requires("openssl/[>=3.0 <4]")
        self.requires("zlib/[>=1.2.13 <2]")
        if self.options.with_libdeflate:
            self.requires("libdeflate/[>=1.14]")
        if self.options.with_redis:
            self.requires("hiredis/[>=1.0]")

    def generate(self):
        PkgConfigDeps(self).generate()
        toolchain = MesonToolchain(self)
        for name, option in (("libdeflate", self.options.with_libdeflate),
                             ("redis", self.options.with_redis)):
            toolchain.project_options[name] = \
                "enabled" if option else "disabled"
        for name in ("isal", "libedit", "tests", "examples", "bench",
                     "tool"):
            toolchain.project_options[name] = "disabled"
        toolchain.generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        Meson(self).install()
        for folder in "lib/pkgconfig", "lib/cmake", "share":
            rmdir(self, pathlib.Path(self.package_folder) / folder)
        copy(self, "LICENSE", self.source_folder,
             pathlib.Path(self.package_folder) / "licenses")

    def package_info(self):
        self.cpp_info.libs = ["silverback"]
        self.cpp_info.set_property("pkg_config_name", "silverback")
        self.cpp_info.set_property("cmake_file_name", "silverback")
        self.cpp_info.set_property("cmake_target_name",
                                   "silverback::silverback")
        self.cpp_info.requires = ["openssl::openssl", "zlib::zlib"]
        if self.options.with_libdeflate:
            self.cpp_info.requires.append("libdeflate::libdeflate")
        if self.options.with_redis:
            self.cpp_info.requires.append("hiredis::hiredis")
        self.cpp_info.system_libs = ["pthread", "dl"]
