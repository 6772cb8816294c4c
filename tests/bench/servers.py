# SPDX-License-Identifier: MIT
"""Builds what is measured, servers and clients: ours as a distribution would,
the others with what their compilers can do for this machine.  What cannot be
built here is left out, and said."""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = HERE / "peers"
sys.path.insert(0, str(HERE.parent))

from harness import make_certificate  # noqa: E402

LIMIT, LIMIT_AGAIN = "limit", "limit, again"
CASTERS = ("--deflate", "--tls", "--cast")  # what ours and the limit take

# Of bench_server; run where its usage has each of the flags.
VARIANTS = ("", "--on-message", "--threads", "--by-hand")


@dataclass
class Server:
    """Started as: command [--deflate] [--tls] [--cast] PORT."""
    name: str
    command: list
    version: str = ""
    flags: tuple = ("--deflate", "--tls")  # it can be started with
    only: tuple = ()  # and is not to be without
    client: tuple = ()  # started as: client OPTION... PORT
    client_flags: tuple = ("--deflate", "--tls", "--resume")

    def takes(self, row):
        """Whether it is of use in this row."""
        flags = set(row.server_flags)
        if row.client:
            return bool(self.client) and \
                set(row.client_flags) <= set(self.client_flags)
        return set(self.only) <= flags <= set(self.flags)


def say(text):
    print(text, flush=True)


def run(command, **more):
    """Run it silently; raises RuntimeError with what it said."""
    done = subprocess.run([str(part) for part in command], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def build_release(source, build, *options, targets=()):
    """Of our sources, of some commit; of no more than options ask for."""
    if not (build / "build.ninja").exists():
        run(["meson", "setup", build, source, "--buildtype=release",
             "-Dtests=disabled", "-Dexamples=disabled", "-Dtool=disabled",
             *options])
    run(["meson", "compile", "-C", build, *targets])


def build_ours(folder):
    """Returns where the programs are."""
    build = folder / "silverback"
    build_release(ROOT, build, "-Dbench=enabled",
                  targets=[f"tests/bench/bench_{name}" for name in
                           ("client", "limit", "load", "server")])
    return build / "tests/bench"


def make_server_files(folder):
    """cert.pem and key.pem, as bench_server and the others want them."""
    make_certificate(folder, "cert", "DNS:localhost,IP:127.0.0.1")
    (folder / "cert.key").rename(folder / "key.pem")


# ---- Peers ------------------------------------------------------------------


def go_build(folder, name):
    out = folder / name
    run(["go", "build", "-mod=readonly", "-buildvcs=false", "-o", out,
         f"./{name}"], cwd=PEERS / "go")
    return out


def build_go(name, module, client=None):
    def build(folder):
        out = go_build(folder, name)
        clients = (go_build(folder, client),) if client else ()
        version = re.search(rf"{module} (v\S+)",
                            (PEERS / "go/go.mod").read_text())[1]
        return [Server(name, [out], f"{module} {version}", client=clients)]
    return build


def build_rust(folder):
    # Cargo writes into the folder that it builds.
    source = folder / "rust"
    shutil.copytree(PEERS / "rust", source, dirs_exist_ok=True)
    run(["cargo", "build", "--release", "--quiet", "--config",
         'build.rustflags=["-Ctarget-cpu=native"]'], cwd=source)
    version = re.search(r'fastwebsockets = { version = "=(\S+)"',
                        (source / "Cargo.toml").read_text())[1]
    return [Server("fastwebsockets",
                   [source / "target/release/fastwebsockets_echo"],
                   f"fastwebsockets {version}", (),
                   client=(source / "target/release/fastwebsockets_client",),
                   client_flags=())]


def is_older(out, source):
    return not out.exists() or out.stat().st_mtime < source.stat().st_mtime


def beast_build(folder, name):
    out, source = folder / name, PEERS / f"{name}.cpp"
    if is_older(out, source):  # it takes its time
        run(["c++", "-std=c++17", "-O3", "-march=native", "-flto=auto",
             "-DNDEBUG", source, "-o", out, "-lssl", "-lcrypto",
             "-lpthread"])
    return out


def build_beast(folder):
    out = beast_build(folder, "beast")
    client = beast_build(folder, "beast_client")
    version = run(["c++", "-E", "-P", "-include", "boost/version.hpp", "-x",
                   "c++", "-dM", "/dev/null"])
    version = re.search(r'BOOST_LIB_VERSION "(\S+)"', version)[1]
    return [Server("beast", [out], f"Boost.Beast {version.replace('_', '.')}",
                   client=(client,), client_flags=("--deflate", "--tls"))]


def build_lws(folder):
    out = folder / "lws"
    flags = run(["pkg-config", "--cflags", "--libs", "libwebsockets"])
    run(["cc", "-O3", "-march=native", PEERS / "lws.c", "-o", out,
         *shlex.split(flags)])
    version = run(["pkg-config", "--modversion", "libwebsockets"])
    return [Server("lws", [out], f"libwebsockets {version.strip()}")]


# name | what builds it | of Debian, what it needs
RECIPES = (
    ("gorilla", build_go("gorilla", "github.com/gorilla/websocket",
                         "gorilla_client"), "golang-go"),
    ("gws", build_go("gws", "github.com/lxzan/gws"), "golang-go"),
    ("fastwebsockets", build_rust, "cargo"),
    ("beast", build_beast, "g++ libboost-dev libssl-dev"),
    ("lws", build_lws, "libwebsockets-dev"),
)


def build_peers(folder, wanted):
    servers = []
    for name, build, packages in RECIPES:
        if not wanted(name):
            continue
        try:
            servers += build(folder)
        except (OSError, RuntimeError) as why:
            say(f"left out {name}, which needs {packages}: "
                f"{str(why).splitlines()[0]}")
            (folder / f"{name}.log").write_text(f"{why}\n")
        else:
            say(f"built {name}")
    return servers


# ---- All --------------------------------------------------------------------


def usage_of(program):
    return subprocess.run([program, "--help"], text=True, check=False,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout


def known_variants(program):
    """Which of VARIANTS bench_server has."""
    usage = usage_of(program)
    return [v for v in VARIANTS if all(flag in usage for flag in v.split())]


def our_variants(program, more):
    """bench_server with each set of flags that it has, or that is asked
    for."""
    version = run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]).strip()
    for flags in dict.fromkeys([*known_variants(program), *more]):
        yield Server(f"silverback {flags}".strip(),
                     [program, *shlex.split(flags)], f"commit {version}",
                     CASTERS, ("--cast",) if "--by-hand" in flags else (),
                     () if flags else (program.with_name("bench_client"),))


def build_all(folder, wanted, variants, others):
    """Returns the load generator and the servers.  wanted(name) says which;
    others are NAME=COMMAND."""
    programs = build_ours(folder)
    say("built silverback, the limit and the load generator")
    make_server_files(folder)
    limit = programs / "bench_limit"
    packer = re.search(r"by (\w+)", usage_of(limit))[1]
    load = programs / "bench_load"
    first, again = (Server(name, [limit], version, CASTERS,
                           client=(load, "--client"),
                           client_flags=("--tls", "--resume"))
                    for name, version in
                    ((LIMIT, f"compresses by {packer}"), (LIMIT_AGAIN, "")))
    servers = [*our_variants(programs / "bench_server", variants)]
    for other in others:
        name, _, command = other.partition("=")
        servers.append(Server(name, shlex.split(command)))
    servers += build_peers(folder, wanted)
    return load, [first, *(s for s in servers if wanted(s.name)), again]
