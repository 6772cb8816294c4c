#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: when Sentinel names the new master, the old one takes no more writes.
# Seen: the old one is told seconds later (ten in one run), says until then that
#   it is a master, and acknowledges writes, which are lost.
# With: Redis 7.0.15 (Debian's redis-server and redis-sentinel
#   5:7.0.15-1~deb12u10); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server redis-sentinel
debian redis-server 5:7.0.15-1~deb12u10
debian redis-sentinel 5:7.0.15-1~deb12u10
cat >failover.py <<'PY'
from redis_nodes import *

def wait(seen):
    if not until(seen):
        raise SystemExit(77)

old, new = start(), start()
ask(new, "replicaof", "127.0.0.1", old)
wait(lambda: info(new, "master_link_status") == "up")
ask(old, "set", "n", 1)
wait(lambda: ask(new, "get", "n") == "1")
with open("sentinel.conf", "w") as conf:
    conf.write(f"sentinel monitor m 127.0.0.1 {old} 1\n")
sentinel = free_port()
servers.append((sentinel, subprocess.Popen(
    ["redis-sentinel", "sentinel.conf", "--port", str(sentinel), "--bind",
     "127.0.0.1"], stdout=subprocess.DEVNULL)))
wait(lambda: f":{new}" in ask(sentinel, "sentinel", "replicas", "m"))
print("failover:", ask(sentinel, "sentinel", "failover", "m"))
wait(lambda: str(new) in ask(sentinel, "sentinel", "get-master-addr-by-name",
                             "m"))
print("Sentinel names the new one; the old one says it is a",
      info(old, "role"))
print("INCR at the old one:", ask(old, "incr", "n"))
wait(lambda: info(old, "role") == "slave"
     and info(old, "master_link_status") == "up")
print("when it has become a replica:", ask(old, "get", "n"))
PY
python3 failover.py >seen
expect <<'END'
failover: OK
Sentinel names the new one; the old one says it is a master
INCR at the old one: 2
when it has become a replica: 1
END
