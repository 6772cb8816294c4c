# SPDX-License-Identifier: MIT
"""Programs that end with ours, and servers of Redis among them."""

import ctypes
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from harness import PATIENCE, command_of, free_port, is_listening, wait_until

LIBC = ctypes.CDLL(None)


def die_with_parent():
    """Whatever becomes of this program."""
    LIBC.prctl(1, signal.SIGKILL)


class Program:
    """One that listens on a port of ours, and can be started again."""

    def __init__(self, stack, command, port):
        self.command, self.port, self.process = command, port, None
        stack.callback(self.kill)
        self.start()

    def start(self):
        for _ in range(10):
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.DEVNULL,
                preexec_fn=die_with_parent)
            seen = wait_until(lambda: self.process.poll() is not None
                              or is_listening(self.port))
            if not seen:
                break
            if self.process.poll() is None:
                return
            time.sleep(0.5)
        raise RuntimeError(f"{self.command} does not listen")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)


class Redis(Program):
    """A server in a folder of its own; with the text of a config, by that."""

    def __init__(self, stack, *arguments, tls=False, config=None,
                 program="redis-server"):
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory()))
        port = free_port(10000)  # which it takes, too, in a cluster
        command = [command_of(program)]
        if config:
            (folder / "config").write_text(config)
            command.append(str(folder / "config"))
        else:
            command += ["--save", ""]
        command += ["--port", "0", "--tls-port", str(port)] if tls \
            else ["--port", str(port)]
        super().__init__(stack, [*command, "--bind", "127.0.0.1", "--dir",
                                 str(folder), *arguments], port)

    def cli(self, *words, check=True):
        return subprocess.run(
            [command_of("redis-cli"), "-p", str(self.port), *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=PATIENCE, check=check).stdout.strip()

    def asked(self, *words):
        """What it says, for those who ask until it says what they want: a
        Sentinel that makes it a replica ends the connections of all clients, and
        redis-cli then fails."""
        return self.cli(*words, check=False)

    def is_replicated(self):
        """Whether its replica has all that it has; WAIT would ask for no more than
        was written on its own connection."""
        return re.search(
            r"state=online,offset=(\d+),.*master_repl_offset:\1\b",
            self.cli("INFO", "replication"), re.DOTALL) is not None


# ---- Several ----------------------------------------------------------------


def sentinel_config(master, *more):
    """Of one of three; more: further lines."""
    return "\n".join([
        f"sentinel monitor mymaster 127.0.0.1 {master.port} 2",
        "sentinel down-after-milliseconds mymaster 1000",
        "sentinel failover-timeout mymaster 6000", *more, ""])


def know_each_other(sentinels):
    """Do all three, and two replicas?"""
    return all("num-slaves\n2\n" in (said := one.asked(
        "SENTINEL", "MASTER", "mymaster") + "\n")
        and "num-other-sentinels\n2\n" in said for one in sentinels)


def form_cluster(nodes):
    """Of six: three masters, a replica each, until it is there in the eyes of
    all."""
    made = subprocess.run(
        [command_of("redis-cli"), "--cluster", "create",
         *(f"127.0.0.1:{one.port}" for one in nodes),
         "--cluster-replicas", "1", "--cluster-yes"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=PATIENCE, check=False)
    if made.returncode != 0 or not wait_until(lambda: are_of_one_mind(nodes)):
        raise RuntimeError(f"no cluster: {made.stdout}")


def are_of_one_mind(nodes):
    """Is the cluster there, in the eyes of all?"""
    return all("cluster_state:ok" in one.asked("CLUSTER", "INFO")
               and one.asked("CLUSTER", "NODES").count("slave ") == 3
               for one in nodes)
