# SPDX-License-Identifier: MIT
"""What docs/benchmarks.md says beside figures that are measured anew."""

HEAD = """\
# Benchmarks

Echo servers beside each other on one machine. What counts is the **CPU time that the server takes for each message**: its process clock (all threads, user and system) divided by the messages it sent. How fast the load generator is does not matter to it.

It is given as a ratio to the **limit** in the same run, a raw epoll loop ([`limit.c`](../tests/bench/limit.c)) that receives, unmasks and sends whole frames, to all connections in the rows with `--cast`, and neither checks nor knows anything else. What is above 1 is what a library costs; below 1, it does something better than the obvious. The limit runs twice each time, before the others and behind them, under two names; ratios are to the mean of the two, and the middle one of all runs, since a machine that is shared is not of one speed for long. How much *limit* and *limit, again* differ is the noise of a column, and smaller differences mean nothing.

"""

HOW = """\
## How it was measured

<!-- not run: it takes half an hour; its parts have tests in the suite bench -->
```sh
{command}
```

builds everything in `build-bench/` and runs it: silverback as a distribution would (`--buildtype=release`), the others with `-O3 -march=native` or what their compilers call it. Other servers come in by `--server NAME=COMMAND`. Of Debian it takes what `tools/setup` installs, python3 and openssl, libdeflate-dev for the limit, and for the others golang-go, libboost-dev, libwebsockets-dev and a recent cargo: what it has not got is left out.

- Server on core {server_cores}, load generator on core {load_core}, over loopback.
- Every row and server {runs} times (idle ones at most 3) for {seconds:g} s after a warm-up, each time in a new process; servers take turns, and tables have medians, with the least and the most in brackets; the ratio is of those of one run, not of the two medians. A run during which others took more than a tenth of a core was repeated, twice at most: {disturbed} of {all_runs} stayed so.
- [`bench_load`](../tests/bench/load.c) checks opcode and length of each answer, the bytes of all small ones and of one in 61 of the large ones, and with compression that it was agreed to and what the answers inflate to. A run with a wrong answer has no figure.
- `PID` and `PORT` in the commands below are the server's; `bench_load` and `bench_client` are in `build-bench/silverback/tests/bench/`.
"""

COMPRESSION = """\
## What compressing takes

CPU time for one message of JSON, each another one of 1,024 (of 64 KiB: of 240), on such a machine, and the bytes that come of it. ISA-L (level 1, full flush, 84 KiB of buffer) does what zlib's level 1 does, from 64 bytes on, where no window is kept; libdeflate is here for comparison, since it cannot end a message without ending the stream, and inflates.

| bytes | ISA-L µs | zlib 1 µs | zlib 6 µs | libdeflate 1 µs | ISA-L bytes | zlib 1 bytes | zlib 6 bytes | libdeflate 1 bytes |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| 20 | 1.82 | 1.44 | 1.45 | 0.01 | 22 | 21 | 21 | 26 |
| 64 | 2.58 | 2.95 | 3.03 | 3.36 | 64 | 64 | 64 | 63 |
| 128 | 3.12 | 5.26 | 5.6 | 3.83 | 107 | 108 | 108 | 108 |
| 512 | 4.64 | 9.8 | 10.8 | 5.14 | 243 | 251 | 241 | 242 |
| 1024 | 5.73 | 13.1 | 16.5 | 6.62 | 387 | 407 | 380 | 384 |
| 4096 | 10.4 | 28.4 | 47.4 | 14.9 | 1176 | 1258 | 1106 | 1162 |
| 16384 | 27.3 | 94.3 | 192 | 47.9 | 4259 | 4637 | 3795 | 4211 |
| 65536 | 95.7 | 396 | 1150 | 193 | 16616 | 17953 | 14061 | 16317 |

In row g below 64 clients send the same eight messages again and again, which the branch predictor then knows by heart: zlib takes 5.4 µs for one instead of 13. Even so a message there takes 1.16 times what the limit takes with zlib alone, 1.08 times with ISA-L, and took 1.10 times with libdeflate (medians of 15 short runs in turn, on a busy machine).

Inflating what zlib's level 6 made of such messages:

| bytes | libdeflate µs | zlib µs | ISA-L µs |
|---:|---:|---:|---:|
| 128 | 1.5 | 1.4 | 4.0 |
| 1024 | 2.6 | 3.5 | 3.6 |
| 4096 | 5.5 | 9.2 | 5.9 |
| 65536 | 48 | 108 | 40 |
"""

CLIENTS = """\
## Clients

The same from the other side: what a client takes for a message, or to dial and to close. The limit is the load generator's own loop here, which masks each message anew with a key that cannot be foreseen, in one pass, and compares answers. It does not compress, so that row client-g has no ratio. All talk to the limit's server; where messages are compressed and connections closed to silverback's, since each message of the limit ends its stream of deflate, which not all clients take, and it waits for them to close first.

![CPU time of a client](benchmarks-client.svg)
"""

IO_URING = """\
## io_uring

silverback waits by epoll. A raw loop on io_uring was measured beside the limit to see whether a second way of waiting would be worth its keep, which was to be so if it saved 15 % of a message (rows b and d) or of a broadcast. It had multishot accept and receive on registered files, a ring of buffers, sends of a turn that go to the kernel together and are heard of only when they fail; then bundles of buffers of 16 KiB, or a spin of 50 µs before it sleeps. CPU time divided by the limit's, medians of 5 runs, Linux 6.18:

| | b | c | d | e | to 1,000 | to 5,000 |
|---|---:|---:|---:|---:|---:|---:|
| io_uring | 0.98 | 1.13 | 1.03 | 1.57 | 0.90 | 0.89 |
| with bundles | 0.98 | 1.04 | 1.02 | 1.17 | | |
| with a spin | 1.00 | 1.00 | 0.99 | 1.58 | 0.94 | 0.91 |
| epoll, again | 1.00 | 0.98 | 1.00 | 1.02 | 0.95 | 1.01 |

What it saves of system calls it spends on its own bookkeeping; a loopback message is the TCP stack's work either way. So there is no such backend.
"""
