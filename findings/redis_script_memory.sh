#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: without memory Redis refuses XADD in a script as it does outside.
# Seen: only if the script has not written before. Behind a command that
#   writes and is allowed, even a DEL of nothing, XADD goes through.
# With: Redis 7.0.15 (Debian's redis-server 5:7.0.15-1~deb12u10); 29 November
#   2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server
debian redis-server 5:7.0.15-1~deb12u10
cat >memory.py <<'PY'
from redis_nodes import *

ADD = "redis.call('xadd', KEYS[1], '*', 'a', 'b') return 'added'"
port = start("--maxmemory", "100kb")
print("XADD:", ask(port, "xadd", "s", "*", "a", "b").split()[0])
for before in "", "redis.call('hget', KEYS[1], 'a') ", \
        "redis.call('del', KEYS[1]) ":
    said = ask(port, "eval", before + ADD, 1, "s").split()[0]
    print(f"{before or 'nothing '}before it: {said}")
print("entries:", ask(port, "xlen", "s"))
PY
python3 memory.py >seen
expect <<'END'
XADD: OOM
nothing before it: OOM
redis.call('hget', KEYS[1], 'a') before it: OOM
redis.call('del', KEYS[1]) before it: added
entries: 1
END
