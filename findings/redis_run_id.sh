#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: run_id tells whether a Redis is another one than that which wrote last.
# Seen: a master that was demoted and is promoted again has the run_id it had,
#   whatever another has written meanwhile; master_replid is another one after
#   each promotion, and after each restart of a master, also of one that comes
#   back with all its data.
# With: Redis 7.0.15 (Debian's redis-server 5:7.0.15-1~deb12u10); 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server
debian redis-server 5:7.0.15-1~deb12u10
cat >ids.py <<'PY'
from redis_nodes import *

last = {}

def show(what):
    now = {name: info(a, name) for name in ("run_id", "master_replid")}
    if last:
        print(what + ":", *(f"{name} {word}" for name in now for word in
                            ["same" if now[name] == last[name] else "new"]))
    last.update(now)

def follow(replica, master):
    ask(replica, "replicaof", "127.0.0.1", master)
    if not until(lambda: info(replica, "master_link_status") == "up"):
        raise SystemExit(77)

AOF = ["--appendonly", "yes", "--appendfsync", "always"]
a, b = start(*AOF), start()
follow(b, a)
ask(a, "set", "key", "of a")
show("at first")
ask(b, "replicaof", "no", "one")
follow(a, b)
ask(b, "set", "key", "of b")
show("demoted")
ask(a, "replicaof", "no", "one")
show("promoted again")
until(lambda: [info(a, f"aof_rewrite_{name}") for name in
               ("in_progress", "scheduled")] == ["0", "0"])
stop(a)
start(*AOF, port=a)
show("restarted with its data")
print("key:", ask(a, "get", "key"))
PY
python3 ids.py >seen
expect <<'END'
demoted: run_id same master_replid new
promoted again: run_id same master_replid new
restarted with its data: run_id new master_replid new
key: of b
END
