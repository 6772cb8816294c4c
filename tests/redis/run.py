#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py server|secure|sentinel|cluster CLIENT_EXE

Lets our client of Redis talk to real servers, and does to these what happens to
servers: they are killed, stopped, restarted, promoted, moved.  Prints TAP."""

import contextlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree stays clean
sys.path.insert(0, str(HERE.parent))

from harness import (  # noqa: E402
    PATIENCE, Tap, free_port, make_certificate, wait_until)
from servers import (  # noqa: E402
    Redis, die_with_parent, form_cluster, know_each_other, sentinel_config)

LONG = PATIENCE * 1000 // 2  # ms; what is asked by then is done


class Client:
    """Our client, its answers by their ids, and what it hears in order."""

    def __init__(self, stack, exe, *arguments):
        self.process = subprocess.Popen(
            [exe, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, preexec_fn=die_with_parent)
        stack.callback(self.end)
        self.answers, self.heard, self._asked = {}, [], 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self):
        self.process.stdin.close()
        if self.process.wait(PATIENCE) != 0:
            raise RuntimeError(f"{self.process.args} does not end well")

    def _read(self):
        for line in self.process.stdout:
            first, _, rest = line.strip().partition(" ")
            if first.isdigit():
                self.answers[int(first)] = rest
            else:
                self.heard.append(line.strip())

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words, key="-", ms=LONG, how="call"):
        """Returns the id of what was asked."""
        self._asked += 1
        self.say(how, self._asked, ms, key, *words)
        return self._asked

    def answer(self, asked):
        wait_until(lambda: asked in self.answers)
        return self.answers.get(asked, "nothing")

    def call(self, *words, **how):
        return self.answer(self.ask(*words, **how))

    def eval(self, key, argument):
        return self.call(1, key, argument, "x", key=key, how="eval")

    def hears(self, line, times=1):
        """Does it hear so, so often in all?"""
        return wait_until(lambda: self.heard.count(line) >= times)

    def stop(self):
        self.say("stop")
        self._reader.join(PATIENCE)
        return self.heard[-1:] == ["stopped 0"]


# ---- One server -------------------------------------------------------------


def says(tap, what, got, expected):
    tap.check(expected in got, what, f"got: {got}")


def with_server(tap, exe):
    with contextlib.ExitStack() as stack:
        server = Redis(stack)
        url = f"redis://127.0.0.1:{server.port}"
        client = Client(stack, exe, url)
        plain(tap, client, server)
        many_callers(tap, client, server)
        scripts_are_forgotten(tap, client, server)
        connections_are_killed(tap, client, server)
        server_is_stopped(tap, client, server)
        server_is_killed(tap, client, server)
        tap.check(client.stop(), "it stops")
    accounts(tap, exe)
    elsewhere(tap, exe)


def plain(tap, client, server):
    says(tap, "SET", client.call("SET", "a", "b"), "reply +OK")
    says(tap, "GET", client.call("GET", "a"), 'reply "b"')
    says(tap, "an error is an answer", client.call("GET"), "reply -ERR wrong")
    says(tap, "EVALSHA", client.eval("n", 5), 'reply [5 "x"]')
    client.say("on", "room")
    tap.check(client.hears("subscribed room"), "SUBSCRIBE", client.heard)
    server.cli("PUBLISH", "room", "hello")
    tap.check(client.hears("message room hello"), "a message", client.heard)
    client.say("off", "room")
    tap.check(wait_until(lambda: server.asked("PUBSUB", "CHANNELS") == ""),
              "UNSUBSCRIBE")
    client.say("on", "room")
    tap.check(client.hears("subscribed room", 2), "and again", client.heard)


def many_callers(tap, client, server):
    asked = [client.ask("INCR", "many") for _ in range(200)]
    got = sorted(int(client.answer(one).removeprefix("reply "))
                 for one in asked)
    tap.check(got == list(range(1, 201)), "200 callers have 200 answers", got)
    clients = server.cli("CLIENT", "LIST").splitlines()
    tap.check(len(clients) == 3, "on one connection, and one listens, beside "
              "the one that looks", clients)


def scripts_are_forgotten(tap, client, server):
    server.cli("SCRIPT", "FLUSH")
    says(tap, "NOSCRIPT: the text is sent", client.eval("n", 5),
         'reply [10 "x"]')
    says(tap, "and then the hash will do", client.eval("n", 5),
         'reply [15 "x"]')
    evals = server.cli("INFO", "commandstats")
    tap.check("cmdstat_eval:calls=2," in evals, "EVAL was sent for the first "
              "time, and after the flush", evals)


def connections_are_killed(tap, client, server):
    server.cli("CLIENT", "KILL", "TYPE", "pubsub")
    tap.check(client.hears("lost room") and client.hears("subscribed room", 3),
              "CLIENT KILL: the channel is subscribed again", client.heard)
    server.cli("CLIENT", "KILL", "TYPE", "normal")
    says(tap, "CLIENT KILL: the next call is answered",
         client.call("GET", "a"), 'reply "b"')
    server.cli("PUBLISH", "room", "again")
    tap.check(client.hears("message room again"), "a message after it",
              client.heard)


def server_is_stopped(tap, client, server):
    """For less time than it takes to be given up, and for more."""
    lost = client.heard.count("lost room")
    server.signal(signal.SIGSTOP)
    asked = client.ask("INCR", "stopped")
    time.sleep(1.5)
    server.signal(signal.SIGCONT)
    says(tap, "SIGSTOP for a moment: it waits", client.answer(asked),
         "reply 1")
    tap.check(client.heard.count("lost room") == lost,
              "and the channel was not lost", client.heard)

    server.signal(signal.SIGSTOP)
    asked = client.ask("INCR", "stopped")
    says(tap, "SIGSTOP for longer: what was sent may have been done",
         client.answer(asked), "error -5009 1 ")
    says(tap, "what waits for a connection was not",
         client.call("INCR", "stopped", ms=100), "error -5001 0 ")
    tap.check(client.hears("lost room", lost + 1), "the channel is lost",
              client.heard)
    server.signal(signal.SIGCONT)
    says(tap, "SIGCONT: it goes on", client.call("GET", "a"), 'reply "b"')
    tap.check(client.hears("subscribed room", 4), "and listens", client.heard)


def server_is_killed(tap, client, server):
    server.kill()
    noticed = f"error -5001 0 connect to Redis at 127.0.0.1:{server.port}: "
    tap.check(wait_until(lambda: client.call("GET", "a", ms=200).startswith(
        noticed + "Connection refused")), "kill -9: a deadline passes",
        client.answers)
    asked = [client.ask("INCR", "killed") for _ in range(20)]
    server.start()
    got = sorted(client.answer(one) for one in asked)
    tap.check(got == sorted(f"reply {n}" for n in range(1, 21)),
              "what had not been sent is done after the restart, once", got)
    says(tap, "NOSCRIPT after the restart", client.eval("n", 5),
         'reply [5 "x"]')
    tap.check(client.hears("subscribed room", 5), "the channel is back",
              client.heard)
    server.cli("PUBLISH", "room", "restarted")
    tap.check(client.hears("message room restarted"), "with what is published")


def accounts(tap, exe):
    with contextlib.ExitStack() as stack:
        server = Redis(stack, "--requirepass", "secret")
        at = f"127.0.0.1:{server.port}"
        auth = ["--no-auth-warning", "-a", "secret"]
        server.cli(*auth, "ACL", "SETUSER", "me", "on", ">pw", "+@all",
                   "~mine:*", "&mine:*")
        client = Client(stack, exe, f"redis://:secret@{at}/3")
        client.call("SET", "a", "b")
        tap.check(server.cli(*auth, "-n", "3", "GET", "a") == "b",
                  "a password and a database")

        client = Client(stack, exe, f"redis://me:pw@{at}")
        says(tap, "a user's key", client.call("SET", "mine:a", "1"), "+OK")
        says(tap, "another's key", client.call("SET", "a", "1"), "-NOPERM")
        client.say("on", "theirs")
        client.say("on", "mine:room")
        tap.check(client.hears("subscribed mine:room"), "a user's channel",
                  client.heard)
        tap.check(wait_until(lambda: any(
            line.startswith("refused theirs NOPERM")
            for line in client.heard)), "another's channel", client.heard)
        server.cli(*auth, "ACL", "SETUSER", "me", "&theirs")
        tap.check(client.hears("subscribed theirs"),
                  "which is tried until it is allowed", client.heard)

        for what, user, said in (
                ("no password", "", "NOAUTH"),
                ("another password", "me:wrong@", "WRONGPASS"),
                ("another user", "you:pw@", "WRONGPASS")):
            client = Client(stack, exe, f"redis://{user}{at}/1")
            got = client.call("GET", "a", ms=500)
            tap.check(got.startswith("error -5001 0 ") and said in got, what,
                      got)


def elsewhere(tap, exe):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = Redis(stack, "--unixsocket", f"{folder}/s")
        client = Client(stack, exe, f"redis+unix:{folder}/s?db=2")
        client.call("SET", "a", "b")
        tap.check(server.cli("-n", "2", "GET", "a") == "b", "a local socket")

        client = Client(stack, exe, f"redis+unix:{folder}/none")
        says(tap, "no local socket", client.call("GET", "a", ms=200),
             f"connect to Redis at {folder}/none: No such file")
        client = Client(stack, exe, "redis://nobody.invalid")
        says(tap, "no such host", client.call("GET", "a", ms=3000),
             "error -5001 0 ")
        done = subprocess.run([exe, "redis://a:x"], text=True,
                              stdout=subprocess.PIPE, timeout=PATIENCE,
                              check=False)
        says(tap, "no URL", done.stdout, "error -5016 malformed redis URL")


# ---- TLS --------------------------------------------------------------------


def with_tls(tap, exe):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory()))
        ca = make_certificate(folder, "server", "IP:127.0.0.1")
        make_certificate(folder, "other", "IP:127.0.0.1")
        make_certificate(folder, "client", "DNS:client.test")
        server = Redis(
            stack, "--tls-cert-file", str(ca), "--tls-key-file",
            str(folder / "server.key"), "--tls-ca-cert-file",
            str(folder / "client.pem"), tls=True)
        url = f"rediss://127.0.0.1:{server.port}"
        mine = [str(folder / "client.pem"), str(folder / "client.key")]

        client = Client(stack, exe, url, str(ca), *mine)
        says(tap, "SET", client.call("SET", "a", "b"), "reply +OK")
        client.say("on", "room")
        tap.check(client.hears("subscribed room"), "SUBSCRIBE", client.heard)
        asked = [client.ask("INCR", "many") for _ in range(50)]
        got = sorted(int(client.answer(one).removeprefix("reply "))
                     for one in asked)
        tap.check(got == list(range(1, 51)), "50 callers", got)
        client.call("PUBLISH", "room", "hello")
        tap.check(client.hears("message room hello"), "a message",
                  client.heard)
        server.kill()
        tap.check(client.hears("lost room"), "kill -9", client.heard)
        server.start()
        tap.check(client.hears("subscribed room", 2), "a restart",
                  client.heard)
        says(tap, "and calls", client.call("SET", "a", "b"), "reply +OK")
        tap.check(client.stop(), "it stops")

        client = Client(stack, exe, url, str(folder / "other.pem"), *mine)
        says(tap, "another CA", client.call("GET", "a", ms=1000),
             "self-signed certificate")
        client = Client(stack, exe, url, str(ca))
        says(tap, "no certificate of ours", client.call("GET", "a", ms=1000),
             "error -5001 0 ")
        client = Client(stack, exe, url.replace("rediss", "redis"))
        says(tap, "no TLS", client.call("GET", "a", ms=1000), "error -50")


# ---- Sentinel ---------------------------------------------------------------


def with_sentinels(tap, exe):
    with contextlib.ExitStack() as stack:
        auth_pass = "sentinel auth-pass mymaster secret"
        secret = ["--requirepass", "secret", "--masterauth", "secret"]
        master = Redis(stack, *secret)
        replicas = [Redis(stack, *secret, "--replicaof",
                          f"127.0.0.1 {master.port}") for _ in range(2)]
        sentinels = [Redis(stack, config=sentinel_config(master, auth_pass),
                           program="redis-sentinel") for _ in range(3)]
        nobody = free_port()
        ports = [nobody] + [one.port for one in sentinels]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        url = f"redis+sentinel://:secret@{hosts}/mymaster"
        auth = ["--no-auth-warning", "-a", "secret"]
        servers = {one.port: one for one in [master, *replicas]}

        tap.check(wait_until(lambda: know_each_other(sentinels)),
                  "three Sentinels know each other and two replicas")

        client = Client(stack, exe, url)
        says(tap, "SET, by the second that was asked",
             client.call("SET", "a", "b"), "reply +OK")
        tap.check(master.cli(*auth, "GET", "a") == "b", "at the master")
        client.say("on", "room")
        tap.check(client.hears("subscribed room"), "SUBSCRIBE", client.heard)
        other = Client(stack, exe, url.replace("mymaster", "another"))
        says(tap, "an unknown master", other.call("GET", "a", ms=500),
             "Sentinel knows no master of the name another")

        master.kill()
        says(tap, "kill -9 of the master: another one answers",
             client.call("INCR", "n"), "reply 1")
        tap.check(client.hears("subscribed room", 2), "and is listened to",
                  client.heard)
        client.call("PUBLISH", "room", "hello")
        tap.check(client.hears("message room hello"), "a message from it",
                  client.heard)

        def current():
            return servers[int(sentinels[0].cli(
                "SENTINEL", "GET-MASTER-ADDR-BY-NAME",
                "mymaster").splitlines()[1])]

        master.start()  # as a replica
        first = current()
        tap.check(wait_until(lambda: "role:slave" in master.asked(
            *auth, "INFO", "replication")), "the old master is a replica")
        tap.check(wait_until(lambda: sentinels[0].asked(
            "SENTINEL", "FAILOVER", "mymaster") == "OK"),
            "a failover that was asked for")
        tap.check(wait_until(lambda: "role:slave" in first.asked(
            *auth, "INFO", "replication")),
            "there is another master, and the old one lives")
        says(tap, "which is asked", client.call("INCR", "m"), "reply 1")
        tap.check(client.hears("subscribed room", 3), "and listened to",
                  client.heard)
        tap.check(wait_until(lambda: current().asked(
            *auth, "GET", "m") == "1"), "it has it")

        for one in sentinels[:2]:
            one.kill()
        current_one = sentinels[2].cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME",
                                       "mymaster").splitlines()[1]
        servers[int(current_one)].cli(*auth, "CLIENT", "KILL", "TYPE",
                                      "normal", "SKIPME", "yes")
        says(tap, "the last Sentinel is asked", client.call("INCR", "m"),
             "reply 2")
        tap.check(client.stop(), "it stops")

        guarded = Redis(stack, config=sentinel_config(
            servers[int(current_one)], auth_pass, "requirepass secret"),
            program="redis-sentinel")
        client = Client(stack, exe, "redis+sentinel://:secret@127.0.0.1:"
                        f"{guarded.port}/mymaster")
        says(tap, "a Sentinel with a password", client.call("INCR", "m"),
             "reply 3")


# ---- Cluster ----------------------------------------------------------------


def with_cluster(tap, exe):
    with contextlib.ExitStack() as stack:
        nodes = [Redis(stack, "--cluster-enabled", "yes",
                       "--cluster-node-timeout", "2000") for _ in range(6)]
        form_cluster(nodes)
        client = Client(stack, exe, "redis+cluster://127.0.0.1:"
                        f"{nodes[0].port},127.0.0.1:{nodes[5].port}")
        keys = [f"k{n}" for n in range(60)]
        everywhere(tap, client, keys)
        slot_moves(tap, client, nodes)
        master_is_lost(tap, client, nodes, keys)
        tap.check(client.stop(), "it stops")


def everywhere(tap, client, keys):
    """Keys and channels of all masters."""
    asked = [client.ask("SET", key, key, key=key) for key in keys]
    got = {client.answer(one) for one in asked}
    tap.check(got == {"reply +OK"}, "SET of 60 keys", got)
    got = [client.call("GET", key, key=key) for key in keys]
    tap.check(got == [f'reply "{key}"' for key in keys], "GET of them", got)
    says(tap, "a script where its key is", client.eval("{k1}n", 5),
         'reply [5 "x"]')
    says(tap, "what has no key", client.call("CLUSTER", "KEYSLOT", "k1"),
         "reply 12706")
    says(tap, "keys of two slots", client.call("MGET", "k1", "k2", key="k1"),
         "reply -CROSSSLOT")
    for key in keys:
        client.say("on", key)
    tap.check(all(client.hears(f"subscribed {key}") for key in keys),
              "SSUBSCRIBE to 60 channels", client.heard)
    for key in keys:
        client.call("SPUBLISH", key, "1", key=key)
    tap.check(all(client.hears(f"message {key} 1") for key in keys),
              "a message in each", client.heard)


def slot_moves(tap, client, nodes):
    """One by one of the steps that redis-cli --cluster reshard takes."""
    slot = 12706  # of k1
    ids = {one: one.cli("CLUSTER", "MYID") for one in nodes}
    masters = [one for one in nodes
               if "role:master" in one.cli("INFO", "replication")]
    source = next(one for one in masters
                  if one.cli("CLUSTER", "COUNTKEYSINSLOT", str(slot)) != "0"
                  and "k1" in one.cli("CLUSTER", "GETKEYSINSLOT", str(slot),
                                      "10").split())
    target = next(one for one in masters if one is not source)

    target.cli("CLUSTER", "SETSLOT", str(slot), "IMPORTING", ids[source])
    source.cli("CLUSTER", "SETSLOT", str(slot), "MIGRATING", ids[target])
    says(tap, "ASK: a key that is not there yet",
         client.call("SET", "{k1}new", "1", key="{k1}new"), "reply +OK")
    says(tap, "ASK: it was made at the target",
         client.call("GET", "{k1}new", key="k1"), 'reply "1"')
    says(tap, "a key that has not moved", client.call("GET", "k1", key="k1"),
         'reply "k1"')
    source.cli("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000",
               "KEYS", "k1", "{k1}n")
    says(tap, "ASK: a key that has", client.call("GET", "k1", key="k1"),
         'reply "k1"')
    before = client.heard.count("subscribed k1")
    for one in [target, source]:
        one.cli("CLUSTER", "SETSLOT", str(slot), "NODE", ids[target])
    says(tap, "MOVED", client.call("GET", "k1", key="k1"), 'reply "k1"')
    tap.check(client.hears("subscribed k1", before + 1),
              "its channel is subscribed at the target", client.heard)
    tap.check(wait_until(lambda: target.asked(
        "PUBSUB", "SHARDCHANNELS", "k1") == "k1"), "which says so, too")
    client.call("SPUBLISH", "k1", "moved", key="k1")
    tap.check(client.hears("message k1 moved"), "a message there",
              client.heard)


def master_is_lost(tap, client, nodes, keys):
    masters = [one for one in nodes
               if "role:master" in one.cli("INFO", "replication")]
    lost = masters[-1]
    before = {key: client.heard.count(f"subscribed {key}") for key in keys}
    there = lost.cli("PUBSUB", "SHARDCHANNELS").split()
    for key in keys:
        client.call("SET", key, "2", key=key)
    tap.check(wait_until(lost.is_replicated), "its replica has what it has")
    lost.kill()
    asked = {key: client.ask("APPEND", key, "x", key=key) for key in keys}
    got = {key: client.answer(one) for key, one in asked.items()}
    tap.check(set(got.values()) == {"reply 2"}, "kill -9 of a master: all 60 "
              "keys are written, those that wait at its replica", got)
    tap.check(len(there) > 0 and all(
        client.hears(f"subscribed {key}", before[key] + 1) for key in there),
        f"its {len(there)} channels are subscribed there", client.heard)
    tap.check(all(client.heard.count(f"subscribed {key}") == before[key]
                  for key in keys if key not in there),
              "and no others were lost", client.heard)
    for key in keys:
        client.call("SPUBLISH", key, "2", key=key)
    tap.check(all(client.hears(f"message {key} 2") for key in keys),
              "a message in each", client.heard)
    lost.start()
    tap.check(wait_until(lambda: "role:slave" in lost.asked(
        "INFO", "replication")), "it comes back as a replica")
    says(tap, "and all goes on", client.call("GET", keys[0], key=keys[0]),
         'reply "2x"')


CASES = {
    "server": (42, with_server),
    "secure": (11, with_tls),
    "sentinel": (17, with_sentinels),
    "cluster": (23, with_cluster),
}


def main(case, exe):
    count, run = CASES[case]
    tap = Tap(count)
    run(tap, exe)
    return tap.done()


sys.exit(main(*sys.argv[1:]))
