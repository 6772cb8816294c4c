#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: when all nodes of a Cluster say that its state is ok, each replica can
#   take over.
# Seen: one that has not finished its first sync is not elected, and the
#   Cluster stays without these slots. Diskless sync, the default, waits five
#   seconds for more replicas (repl-diskless-sync-delay) before it begins.
# With: Redis 7.0.15 (Debian's redis-server 5:7.0.15-1~deb12u10); 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server
debian redis-server 5:7.0.15-1~deb12u10
cat >cluster.py <<'PY'
from redis_nodes import *

SLOTS = [(0, 5460), (5461, 10922), (10923, 16383)]

def wait(seen):
    if not until(seen):
        raise SystemExit(77)

def cluster(*options):
    *masters, replica = nodes = [
        start("--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
              *options) for _ in range(4)]
    for i, node in enumerate(masters):
        ask(node, "cluster", "addslotsrange", *SLOTS[i])
        ask(node, "cluster", "set-config-epoch", i + 1)
    for node in nodes[1:]:
        ask(nodes[0], "cluster", "meet", "127.0.0.1", node)
    name = ask(nodes[0], "cluster", "myid")
    wait(lambda: ask(replica, "cluster", "replicate", name) == "OK")
    wait(lambda: all("slave" in ask(node, "cluster", "nodes")
                     and "cluster_state:ok" in ask(node, "cluster", "info")
                     for node in nodes))
    return nodes

def show(what, nodes):
    print(f"{what}: state ok, link {info(nodes[3], 'master_link_status')}")
    stop(nodes[0])
    wait(lambda: "cluster_state:fail" in ask(nodes[1], "cluster", "info"))
    back = until(lambda: "cluster_state:ok" in ask(nodes[1], "cluster", "info"),
                 20)
    print("  without the master:", "ok again" if back else "fails for 20 s",
          "with a", info(nodes[3], "role"))

show("by default", cluster())
nodes = cluster("--repl-diskless-sync-delay", "0")
wait(lambda: info(nodes[3], "master_link_status") == "up")
show("after the sync", nodes)
PY
python3 cluster.py >seen
expect <<'END'
by default: state ok, link down
  without the master: fails for 20 s with a slave
after the sync: state ok, link up
  without the master: ok again with a master
END
