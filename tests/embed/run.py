#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py installed|subproject|musl|dist ROOT CC CXX

Builds a program outside of the tree, app.c, against the library as its users
have it: installed, by pkg-config and CMake, shared and static, as C and C++,
by this compiler and by clang; as a subproject of meson; out of the tarball,
whose own tests pass, too; and compiles the library for musl.  Prints TAP."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import Tap, command_of  # noqa: E402

APP = HERE / "app.c"
ONLY = ["-Dtests=disabled", "-Dexamples=disabled", "-Dbench=disabled",
        "-Dtool=disabled"]


class Failed(Exception):
    """A command that had to end well; with what it said."""


def run(*command, **options):
    """What it prints.  options are those of subprocess.run."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if done.returncode != 0:
        words = shlex.join(map(str, command))
        raise Failed(f"{words[:1000]}\n{done.stdout[-4000:]}")
    return done.stdout


def with_env(**variables):
    return {**os.environ, **{name: str(value)
                             for name, value in variables.items()}}


def attempt(tap, name, function, *args):
    """A check that function returns, or returns nothing wrong."""
    try:
        wrong = function(*args)
        tap.check(not wrong, name, wrong or "")
    except (Failed, FileNotFoundError) as error:
        tap.check(False, name, error)


# ---- Installed --------------------------------------------------------------

class Installation:
    """Of ROOT, below a prefix of its own."""

    def __init__(self, root, folder, name, cc, cxx, options):
        self.prefix = folder / name
        self.build = folder / f"{name}-build"
        self.root = root
        run("meson", "setup", self.build, root, f"--prefix={self.prefix}",
            *ONLY, *options, env=with_env(CC=cc, CXX=cxx))
        run("meson", "install", "-C", self.build)

    def lib(self):
        return next(self.prefix.glob("lib*/**/silverback.pc")).parents[1]

    def pkg_config(self, *args):
        pc = self.lib() / "pkgconfig"
        return run("pkg-config", *args, "silverback",
                   env=with_env(PKG_CONFIG_PATH=pc)).split()


def by_pkg_config(at, compiler, language, *flags, kind="shared"):
    """Compiled and run with the headers and the library of the prefix alone.
    kind: shared, static, or alone: nothing of it is a shared library."""
    libs = at.pkg_config("--libs", *([] if kind == "shared" else ["--static"]))
    if kind == "shared":
        libs.append(f"-Wl,-rpath,{at.lib()}")
    if kind == "static":
        libs = ["-l:libsilverback.a" if lib == "-lsilverback" else lib
                for lib in libs]
    if kind == "alone":
        libs.append("-static")
    with tempfile.TemporaryDirectory() as folder:
        app = pathlib.Path(folder) / "app"
        run(*shlex.split(compiler), "-x", language, *flags, "-Wall", "-Wextra",
            "-Wpedantic", "-Werror", *at.pkg_config("--cflags"), APP, "-x",
            "none", *libs, "-o", app)
        run(app)
        return wrongly_linked(app, kind)


def wrongly_linked(app, kind):
    dynamic = run("readelf", "-d", app)
    is_kind = {"shared": "[libsilverback.so" in dynamic,
               "static": "[libssl.so" in dynamic and
                         "[libsilverback.so" not in dynamic,
               "alone": "(NEEDED)" not in dynamic}
    return "" if is_kind[kind] else dynamic


def cmake(at, folder, version, kind, lib=None, **compilers):
    run("cmake", "-G", "Ninja", "-S", HERE, "-B", folder, f"-DKIND={kind}",
        f"-DSERIES={version}",
        f"-Dsilverback_DIR={lib or at.lib()}/cmake/silverback",
        env=with_env(**compilers))


def by_cmake(at, cc, cxx, kind, lib=None):
    with tempfile.TemporaryDirectory() as folder:
        cmake(at, folder, version_of(at.root), kind, lib, CC=cc, CXX=cxx)
        run("cmake", "--build", folder)
        run(f"{folder}/app")
        run(f"{folder}/app17")
        return wrongly_linked(f"{folder}/app", kind or "shared")


def cmake_finds(at, version):
    with tempfile.TemporaryDirectory() as folder:
        cmake(at, folder, version, "")


def cmake_refuses(at, version, kind, words):
    with tempfile.TemporaryDirectory() as folder:
        try:
            cmake(at, folder, version, kind)
        except Failed as error:
            return "" if words in " ".join(str(error).split()) else str(error)
    return "it was found"


def version_of(root):
    return re.search(r"version: '([\d.]+)'",
                     (root / "meson.build").read_text())[1]


def missing_files(at, kinds):
    """What the page says is installed, and the headers, no more and no fewer."""
    here = at.prefix
    include = at.root / "include"
    headers = {file.relative_to(include) for file in include.rglob("*.h")}
    found = {file.relative_to(here / "include")
             for file in (here / "include").rglob("*") if file.is_file()}
    wanted = [here / "share/doc/silverback" / name for name in
              ("LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md",
               "docs/guide.md", "docs/reference/conn.md")]
    wanted += [here / "share/silverback/fibers.py",
               here / "share/man/man3/ws_read_message.3",
               here / "share/man/man3/ws_read_message_by.3",
               at.lib() / "cmake/silverback/silverbackConfig.cmake"]
    libraries = {"shared": "libsilverback.so", "static": "libsilverback.a"}
    wrong = [f"{file} is not there" for file in wanted if not file.exists()]
    wrong += [f"{name}: {'not ' if kind in kinds else ''}installed"
              for kind, name in libraries.items()
              if (at.lib() / name).exists() != (kind in kinds)]
    wrong += [f"{file}: not the tree's headers" for file in headers ^ found]
    return "\n".join(wrong)


def gdb_lists_fibers(at, cc):
    """It loads what lies where the library's name says, which finds its way in
    what is optimised as a whole."""
    with tempfile.TemporaryDirectory() as folder:
        app = pathlib.Path(folder) / "app"
        run(*shlex.split(cc), APP, *at.pkg_config("--cflags", "--libs"),
            f"-Wl,-rpath,{at.lib()}", "-o", app)
        scripts = at.prefix / "share/gdb/auto-load"
        said = run("gdb", "-q", "-batch", "-nx",
                   "-iex", f"set auto-load scripts-directory {scripts}",
                   "-iex", f"set auto-load safe-path {at.prefix}",
                   "-ex", "break ws_dial", "-ex", "run", "-ex", "fibers", app,
                   env=with_env(DEBUGINFOD_URLS="", HOME=folder))
        return "" if re.search(r"worker 1 at .* fibers\n", said) else said


def below_destdir(at, folder):
    """Files lie as the prefix says, below DESTDIR, and pkg-config finds them."""
    run("meson", "install", "-C", at.build, "--destdir", folder / "dest")
    here = folder / "dest" / at.prefix.relative_to("/")
    files = {file.relative_to(at.prefix) for file in at.prefix.rglob("*")}
    moved = {file.relative_to(here) for file in here.rglob("*")}
    cflags = run("pkg-config", "--cflags", "silverback", env=with_env(
        PKG_CONFIG_SYSROOT_DIR=folder / "dest",
        PKG_CONFIG_PATH=folder / "dest" /
        (at.lib() / "pkgconfig").relative_to("/")))
    return str(files ^ moved) if files != moved else \
        "" if f"-I{here}/include" in cflags else cflags


def cmake_elsewhere(at, folder, cc, cxx):
    """The CMake package says where things are from where it is itself."""
    moved = folder / "moved"
    shutil.copytree(at.prefix, moved, symlinks=True)
    lib = moved / at.lib().relative_to(at.prefix)
    return by_cmake(at, cc, cxx, "static", lib)


def installed(tap, root, folder, cc, cxx):
    clang, clangxx = command_of("clang"), command_of("clang++")
    both = Installation(root, folder, "both", cc, cxx, [
        "-Ddefault_library=both", "--buildtype=release", "-Ddebug=true"])
    static = Installation(root, folder, "static", clang, clangxx, [
        "-Ddefault_library=static", "-Disal=disabled", "-Dlibdeflate=disabled"])
    attempt(tap, "an installation has what the page says", missing_files, both,
            ("shared", "static"))
    attempt(tap, "one of the static library has no other", missing_files,
            static, ("static",))
    for name, compiler, language, flags in (
            ("C", cc, "c", ["-std=c11"]),
            ("C++17", cxx, "c++", ["-std=c++17"]),
            ("C++20", cxx, "c++", ["-std=c++20"]),
            ("C by clang", clang, "c", ["-std=c11"]),
            ("C++17 by clang", clangxx, "c++", ["-std=c++17"]),
            ("C++20 by clang", clangxx, "c++", ["-std=c++20"])):
        attempt(tap, f"by pkg-config, {name}", by_pkg_config, both, compiler,
                language, *flags)
    for name, at, compiler, kind in (
            ("static, of a release", both, cc, "static"),
            ("static, of a release, by clang", both, clang, "static"),
            ("static, of clang's", static, cc, "static"),
            ("without any shared library", static, cc, "alone")):
        attempt(tap, f"by pkg-config, {name}",
                lambda: by_pkg_config(at, compiler, "c", kind=kind))
    for kind in "", "shared", "static":
        attempt(tap, f"by CMake {kind}", by_cmake, both, cc, cxx, kind)
    attempt(tap, "by CMake, by clang", by_cmake, both, clang, clangxx, "")
    attempt(tap, "by CMake, static of clang", by_cmake, static, cc, cxx,
            "static")
    attempt(tap, "by CMake, moved elsewhere", cmake_elsewhere, both, folder, cc,
            cxx)
    series = version_of(root).rpartition(".")[0]
    major, minor = map(int, series.split("."))
    attempt(tap, "CMake finds its series", cmake_finds, both, f"{series}.0")
    for other in f"{major}.{minor + 1}", f"{major + 1}.0", f"{series}.99":
        attempt(tap, f"but not {other}", cmake_refuses, both, other, "",
                f'requested version "{other}"')
    attempt(tap, "and no kind that is not there", cmake_refuses, static,
            series, "shared", "has no silverback::shared")
    attempt(tap, "below DESTDIR", below_destdir, both, folder)
    attempt(tap, "gdb lists fibers", gdb_lists_fibers, both, cc)


# ---- As a subproject --------------------------------------------------------

def as_subproject(root, folder, cc, kind):
    """Of a project that says which kind of library it wants."""
    parent = folder / kind
    shutil.copytree(HERE / "parent", parent)
    shutil.copy(APP, parent)
    (parent / "subprojects").mkdir()
    (parent / "subprojects/silverback").symlink_to(root)
    build = parent / "build"
    run("meson", "setup", build, parent, f"-Dsilverback:default_library={kind}",
        "-Doptimization=0", env=with_env(CC=cc))
    run("meson", "compile", "-C", build)
    run(build / "app")
    tests = [target["name"] for target in json.loads(
        run("meson", "introspect", "--targets", build))
        if target["name"].endswith("_test")]
    return f"{tests}: not asked for" if tests else \
        wrongly_linked(build / "app", kind)


def subproject(tap, root, folder, cc, _):
    for kind in "shared", "static":
        attempt(tap, f"as a subproject, {kind}", as_subproject, root, folder,
                cc, kind)


# ---- Out of the tarball -----------------------------------------------------

def dist(tap, root, folder, cc, cxx):
    """What is committed."""
    build, tree = folder / "build", folder / f"silverback-{version_of(root)}"
    env = with_env(CC=cc, CXX=cxx)

    def tarball():
        run("meson", "setup", build, root, *ONLY, env=env)
        run("meson", "dist", "-C", build, "--no-tests", "--allow-dirty",
            "--formats", "gztar")
        run("tar", "-xf", f"{build}/meson-dist/{tree.name}.tar.gz", "-C", folder)
        return "" if (tree / "LICENSE").exists() else "it has no licence"

    def builds():
        run("meson", "setup", f"{tree}/build", tree, "-Dtests=enabled",
            *ONLY[1:], env=env)
        run("meson", "compile", "-C", f"{tree}/build")

    def passes():
        run("meson", "test", "-C", f"{tree}/build", "--suite", "unit",
            "--timeout-multiplier", "3")

    attempt(tap, "meson dist makes a tarball", tarball)
    attempt(tap, "it builds", builds)
    attempt(tap, "and passes its unit tests", passes)


# ---- musl -------------------------------------------------------------------

def musl_include(folder):
    """The kernel's headers, OpenSSL's and zlib's, but nothing of glibc's."""
    include = folder / "include"
    (include / "openssl").mkdir(parents=True)
    triplet = run("gcc", "-print-multiarch").strip()
    for name in "linux", "asm-generic", "zlib.h", "zconf.h":
        (include / name).symlink_to(f"/usr/include/{name}")
    (include / "asm").symlink_to(f"/usr/include/{triplet}/asm")
    for place in "/usr/include", f"/usr/include/{triplet}":
        for file in pathlib.Path(place, "openssl").glob("*.h"):
            (include / "openssl" / file.name).symlink_to(file)
    return include


def musl(tap, root, folder, *_):
    """There is no OpenSSL for it here: each file is compiled, nothing linked."""
    include = musl_include(folder)
    files = sorted(root.glob("lib/*/*.c"))
    optional = tuple(file.stem.removesuffix("none") for file in files
                     if file.stem.endswith("_none"))
    sources = [file for file in files if file.stem.endswith("_none")
               or not file.stem.startswith(optional)]

    def compiles():
        run("musl-gcc", "-std=gnu11", "-D_GNU_SOURCE", f"-I{root}/include",
            f"-I{root}/lib", "-idirafter", include, "-Wall", "-Wextra",
            "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only", *sources)

    attempt(tap, "the library's files compile for musl", compiles)


CASES = {
    "installed": (installed, 25),
    "subproject": (subproject, 2),
    "musl": (musl, 1),
    "dist": (dist, 3),
}


def main(name, root, cc, cxx):
    function, plan = CASES[name]
    tap = Tap(plan)
    with tempfile.TemporaryDirectory() as folder:
        try:
            function(tap, pathlib.Path(root), pathlib.Path(folder), cc, cxx)
        except (Failed, FileNotFoundError) as error:
            tap.check(False, "what it needs is there", error)
    return tap.done()


if len(sys.argv) != 5:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
