#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: inflate stops when its room is used up, as its manual says ("stops
#   when the input buffer becomes empty or the output buffer becomes full"):
#   what stands behind the last byte that has room, an end or a fault, is told
#   by a later call.
# Seen: it goes on to what needs room next. So the call that uses up the room
#   says Z_STREAM_END itself; and of a message with a bit flipped it says
#   Z_DATA_ERROR in that same call where a code is invalid, though all bytes
#   that it has made stand, but in the next where the code is good and looks
#   too far back. By a byte of input at a time no fault is told by a call that
#   makes anything.
# With: zlib 1.2.13 (Debian's zlib1g-dev 1:1.2.13.dfsg-1); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs cc
debian zlib1g-dev 1:1.2.13.dfsg-1
cat >room.c <<'END'
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static unsigned char text[1024], packed[1024], out[65536];
static size_t size, packed_size;

static void make(int flush)
{
    z_stream z = { .next_in = text,
                   .avail_in = size,
                   .next_out = packed,
                   .avail_out = sizeof(packed) };

    deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, flush);
    packed_size = z.total_out;
    deflateEnd(&z);
}

struct result {
    const char *message;
    size_t made; /* by all calls */
    int code, made_last;
};

/* With so much input and room in a call, until one says anything but Z_OK, or
 * all of the room is used. */
static struct result inflate_by(size_t input, size_t room)
{
    z_stream z = { .next_in = packed, .next_out = out };
    struct result r = { 0 };

    inflateInit2(&z, -15);
    do {
        if (z.avail_in == 0) {
            size_t left = packed_size - z.total_in;
            z.avail_in = input < left ? input : left;
        }
        size_t before = z.total_out;
        z.avail_out = room - before;
        r.code = inflate(&z, Z_SYNC_FLUSH);
        r.made_last = z.total_out - before;
    } while (r.code == Z_OK && z.total_out < room);
    r.message = z.msg;
    r.made = z.total_out;
    inflateEnd(&z);
    return r;
}

static const char *which(int n, int of)
{
    return n == 0 ? "none" : n == of ? "all" : "some";
}

static void flip_each_bit(const char *message)
{
    int faults = 0, with_room = 0, same_call = 0, by_byte = 0;

    for (size_t i = 0; i < packed_size * 8; i++) {
        packed[i / 8] ^= 1 << i % 8;
        struct result r = inflate_by(packed_size, sizeof(out));
        if (r.code == Z_DATA_ERROR && r.made > 0 &&
            strcmp(r.message, message) == 0) {
            faults++;
            with_room += r.made_last > 0;
            r = inflate_by(packed_size, r.made);
            same_call += r.code == Z_DATA_ERROR;
            r = inflate_by(1, sizeof(out));
            by_byte += r.code == Z_DATA_ERROR && r.made_last > 0;
        }
        packed[i / 8] ^= 1 << i % 8;
    }
    printf("%s: %s, room used up %s, by the byte %s\n", message,
           which(with_room, faults), which(same_call, faults),
           which(by_byte, faults));
}

int main(void)
{
    for (int i = 0; i < 20; i++)
        size += sprintf(
            (char *)text + size, "{\"id\":%d,\"price\":\"%d\",\"side\":\"%s\"}",
            i * 7919 % 1000, 60000 + i * 7 % 1000, i % 3 ? "sell" : "buy");
    make(Z_FINISH);
    struct result r = inflate_by(packed_size, size);
    printf("room for %zu of %zu: %s\n", r.made, size,
           r.code == Z_STREAM_END ? "Z_STREAM_END" : "another code");
    make(Z_SYNC_FLUSH);
    printf("Z_DATA_ERROR in a call that made something:\n");
    flip_each_bit("invalid literal/length code");
    flip_each_bit("invalid distance too far back");
}
END
cc room.c -o room -lz || exit 77
./room >seen
expect <<'END'
room for 790 of 790: Z_STREAM_END
Z_DATA_ERROR in a call that made something:
invalid literal/length code: all, room used up all, by the byte none
invalid distance too far back: all, room used up none, by the byte none
END
