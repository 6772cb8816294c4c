#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: under qemu-user getsockopt(TCP_INFO) says what the kernel says, or
#   fails.
# Seen: it succeeds, with a length of 4: of 104 bytes and more that were asked
#   for the first four are filled in, the rest is as it was.
# With: qemu-user 7.2 (Debian's qemu-user 1:7.2+dfsg-7+deb12u18+b3), Linux 6.18;
#   29 November 2026.

. "$(dirname "$0")/common.sh"
needs cc aarch64-linux-gnu-gcc qemu-aarch64
debian qemu-user 1:7.2+dfsg-7+deb12u18+b3
cat >info.c <<'C'
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(void)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    int s = socket(AF_INET, SOCK_STREAM, 0);

    memset(&info, 0xa5, sizeof(info));
    int rc = getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len);
    printf("%d, %s, tcpi_snd_mss is %s\n", rc,
           len == sizeof(info) ? "all of it" : len == 4 ? "4 bytes" : "others",
           info.tcpi_snd_mss == 0xa5a5a5a5 ? "as it was" : "filled in");
    return 0;
}
C
cc -o native info.c || exit 77
aarch64-linux-gnu-gcc -static -o foreign info.c || exit 77
{
    printf 'Linux: '
    ./native
    printf 'qemu-user: '
    qemu-aarch64 ./foreign
} >seen
expect <<'END'
Linux: 0, all of it, tcpi_snd_mss is filled in
qemu-user: 0, 4 bytes, tcpi_snd_mss is as it was
END
