#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: without a handler no signal interrupts a wait: who is stopped (SIGSTOP)
#   and goes on (SIGCONT) is still in it.
# Seen: that is so of poll, though it has a time limit, and of recv. But
#   epoll_wait, and recv of a socket with SO_RCVTIMEO, fail with EINTR.
# With: Linux 6.18; no package; 29 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
cat >stopped.py <<'END'
import ctypes
import os
import select
import signal
import socket
import struct
import time

libc = ctypes.CDLL(None, use_errno=True)
place = ctypes.create_string_buffer(16)


def recv(fd):
    return libc.recv(fd, place, 1, 0)


def recv_for_a_minute(fd):
    minute = struct.pack("ll", 60, 0)
    libc.setsockopt(fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, minute, 16)
    return recv(fd)


def poll(fd):
    fds = struct.pack("ihh", fd, select.POLLIN, 0)
    return libc.poll(fds, 1, 60000)


def epoll_wait(fd):
    watch = select.epoll()
    watch.register(fd, select.EPOLLIN)
    return libc.epoll_wait(watch.fileno(), place, 1, 60000)


def state(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]


def await_state(pid, *wanted):
    while state(pid) not in wanted:
        time.sleep(0.01)


for wait in recv, recv_for_a_minute, poll, epoll_wait:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        r = wait(ours.fileno())
        print(f"{wait.__name__}:", os.strerror(ctypes.get_errno()) if r < 0 else r,
              flush=True)
        os._exit(0)
    await_state(pid, "S")
    os.kill(pid, signal.SIGSTOP)
    await_state(pid, "T")
    os.kill(pid, signal.SIGCONT)
    await_state(pid, "S", "Z")
    theirs.send(b"1")
    os.waitpid(pid, 0)
END
python3 stopped.py >seen
expect <<'END'
recv: 1
recv_for_a_minute: Interrupted system call
poll: 1
epoll_wait: Interrupted system call
END
