#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: where Redis refuses to write it refuses to publish, as PUBLISH goes to
#   the replicas like a write.
# Seen: PUBLISH is taken by a replica, and told to the replica's own subscribers
#   alone; by a master that has fewer replicas than min-replicas-to-write; and
#   by one without memory. XADD is refused by all three.
# With: Redis 7.0.15 (Debian's redis-server 5:7.0.15-1~deb12u10); 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server
debian redis-server 5:7.0.15-1~deb12u10
cat >publish.py <<'PY'
from redis_nodes import *

def subscriber(port):
    process = subprocess.Popen(["redis-cli", "-p", str(port), "subscribe", "t"],
                               stdout=subprocess.PIPE, text=True)
    for _ in range(3):
        process.stdout.readline()
    return process

def attempt(where, port, name):
    print(f"{where}: XADD {ask(port, 'xadd', 's', '*', 'a', 'b').split()[0]},"
          f" PUBLISH {ask(port, 'publish', 't', name)}")

master, replica = start(), start()
ask(replica, "replicaof", "127.0.0.1", master)
if not until(lambda: info(replica, "master_link_status") == "up"):
    raise SystemExit(77)
subscribers = {"replica": subscriber(replica), "master": subscriber(master)}
attempt("a replica", replica, "1")
ask(master, "config", "set", "min-replicas-to-write", 2)
attempt("too few replicas", master, "2")
ask(master, "config", "set", "min-replicas-to-write", 0)
ask(master, "config", "set", "maxmemory", "100kb")
attempt("no memory", master, "3")
for name, process in subscribers.items():
    heard = []
    while not heard or heard[-1] != "3":  # the last is told to all
        heard.append([process.stdout.readline() for _ in range(3)][2].strip())
    print(f"the {name}'s subscriber heard", *heard)
    process.terminate()
    process.wait()
PY
python3 publish.py >seen
expect <<'END'
a replica: XADD READONLY, PUBLISH 1
too few replicas: XADD NOREPLICAS, PUBLISH 1
no memory: XADD OOM, PUBLISH 1
the replica's subscriber heard 1 2 3
the master's subscriber heard 2 3
END
