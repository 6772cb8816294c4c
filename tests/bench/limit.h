/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

/* What the limit does to frames. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMIT_HEAD = 14 };

struct limit_head {
    size_t size; /* of the head itself */
    size_t len;  /* of the payload */
    uint8_t key[4];
};

/* Answers to one readiness, compressed.  They lie in memory that all share. */
struct limit_packed {
    uint8_t *data;
    size_t len;
};

/* Whether n bytes hold a whole head. */
bool limit_head(struct limit_head *h, const uint8_t *p, size_t n);

/* Whether there is a whole frame between p and end. */
bool limit_whole(struct limit_head *h, const uint8_t *p, const uint8_t *end);

/* Remove the mask, the first byte being phase bytes into the payload, and move
 * the bytes down, if to is lower. */
void limit_unmask(uint8_t *to, const uint8_t *p, size_t n,
                  const struct limit_head *h, size_t phase);

/* Write the frame at p to to, which is no higher.  Returns the end of what was
 * written. */
uint8_t *limit_echo(uint8_t *to, const uint8_t *p, const struct limit_head *h);

/* Append the answer to the frame at p, inflated and deflated again. */
void limit_echo_packed(struct limit_packed *out, uint8_t *p,
                       const struct limit_head *h);

#endif
