/* SPDX-License-Identifier: MIT */

#ifndef TOOL_HISTOGRAM_H
#define TOOL_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum {
    HISTOGRAM_STEPS = 64, /* for each power of two: within 1.6 % */
    HISTOGRAM_BUCKETS = 59 * HISTOGRAM_STEPS,
};

/* How often values from 0 on came, of nanoseconds or whatever.  Zeroed is
 * empty. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t n;
    int64_t max;
};

void histogram_add(struct histogram *h, int64_t value);
void histogram_merge(struct histogram *h, const struct histogram *from);

/* The value that this part of all, 0 to 1, does not exceed; 0 of none. */
int64_t histogram_percentile(const struct histogram *h, double part);

/* A row for each power of two, of milliseconds if values are nanoseconds, with a
 * bar for how many there are. */
void histogram_draw(FILE *f, const struct histogram *h);

#endif
