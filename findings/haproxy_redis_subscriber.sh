#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: behind an HAProxy that looks for the master, as its users put it before
#   Redis, a subscriber is cut when its server is no master any more.
# Seen: its connection to the old one stays, and hears what is published at the
#   new one only since that is its replica now. With `on-marked-down
#   shutdown-sessions` it is cut.
# With: HAProxy 2.6.12 (Debian's haproxy 2.6.12-1+deb12u4), Redis 7.0.15
#   (redis-server 5:7.0.15-1~deb12u10); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3 redis-cli redis-server
debian haproxy 2.6.12-1+deb12u4
debian redis-server 5:7.0.15-1~deb12u10
cat >subscriber.py <<'PY'
from redis_nodes import *

CONF = """
defaults
    mode tcp
    timeout connect 9s
    timeout client 60s
    timeout server 60s
listen redis
    bind 127.0.0.1:{port}
    option tcp-check
    tcp-check send "info replication\\r\\n"
    tcp-check expect string role:master
    default-server check inter 200ms fall 1 rise 1 {option}
    server one 127.0.0.1:{old}
    server two 127.0.0.1:{new}
"""

def wait(seen):
    if not until(seen):
        raise SystemExit(77)

def show(option):
    old, new, port = start(), start(), free_port()
    ask(new, "replicaof", "127.0.0.1", old)
    wait(lambda: info(new, "master_link_status") == "up")
    with open("conf", "w") as conf:
        conf.write(CONF.format(port=port, old=old, new=new, option=option))
    proxy = subprocess.Popen(["haproxy", "-db", "-f", "conf"],
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    servers.append((port, proxy))
    wait(lambda: info(port, "tcp_port") == str(old))
    time.sleep(1)  # both have been checked
    subscriber = subprocess.Popen(
        ["redis-cli", "-p", str(port), "subscribe", "t"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    subscriber.stdout.readline()
    ask(new, "replicaof", "no", "one")
    ask(old, "replicaof", "127.0.0.1", new)
    wait(lambda: info(old, "master_link_status") == "up")
    wait(lambda: info(port, "tcp_port") == str(new))
    print(option or "as it is", end=": ")
    if until(lambda: ask(old, "pubsub", "channels") == "", 3):
        print("the subscriber is cut")
    else:
        ask(port, "publish", "t", "hello")
        heard = [subscriber.stdout.readline().strip() for _ in range(5)]
        print("the subscriber is at the old master, and hears", heard[-1])
    subscriber.terminate()
    subscriber.wait()
    stop(port)

show("")
show("on-marked-down shutdown-sessions")
PY
PATH=$PATH:/usr/sbin python3 subscriber.py >seen
expect <<'END'
as it is: the subscriber is at the old master, and hears hello
on-marked-down shutdown-sessions: the subscriber is cut
END
