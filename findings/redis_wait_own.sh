#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: `redis-cli wait 1 5000` returns 1 when a replica has all that this master
#   has been told so far.
# Seen: it asks for what its own connection wrote, which is nothing: it returns 1
#   at once, though the replica stands still and lacks what another wrote. On the
#   connection that writes, it waits.
# With: Redis 7.0.15 (Debian's redis-server 5:7.0.15-1~deb12u10); 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server
debian redis-server 5:7.0.15-1~deb12u10
cat >wait.py <<'PY'
import os
import signal
import subprocess
from redis_nodes import *

def has_all():
    said = info(master, "slave0") or ""
    return "state=online" in said and \
        f"offset={info(master, 'master_repl_offset')}," in said

master, replica = start(), start()
ask(replica, "replicaof", "127.0.0.1", master)
if not until(has_all):
    raise SystemExit(77)
pid = int(info(replica, "process_id"))
os.kill(pid, signal.SIGSTOP)
print("set:", ask(master, "set", "key", "value"))
print("wait 1 500:", ask(master, "wait", 1, 500))
print("the replica has", "all" if has_all() else "less")
print("set, wait 1 500:", *subprocess.run(
    ["redis-cli", "-p", str(master)], input="set key other\nwait 1 500\n",
    capture_output=True, text=True).stdout.split())
os.kill(pid, signal.SIGCONT)
PY
python3 wait.py >seen
expect <<'END'
set: OK
wait 1 500: 1
the replica has less
set, wait 1 500: OK 0
END
