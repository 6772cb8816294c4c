/* SPDX-License-Identifier: MIT */

#include "histogram.h"

enum {
    STEP_BITS = 6, /* HISTOGRAM_STEPS */
    BAR = 50,      /* characters */
};

_Static_assert(1 << STEP_BITS == HISTOGRAM_STEPS, "the same in bits");

/* The first 64 have a bucket each; then 64 for each power of two. */
static int bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (int)value;
    int bits = 63 - __builtin_clzll(value);

    return (bits - STEP_BITS + 1) * HISTOGRAM_STEPS +
           (int)(value >> (bits - STEP_BITS) & (HISTOGRAM_STEPS - 1));
}

static int64_t bucket_begin(int bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    int shift = bucket / HISTOGRAM_STEPS - 1;

    return (int64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
}

void histogram_add(struct histogram *h, int64_t value)
{
    if (value < 0)
        value = 0;
    if (value > h->max)
        h->max = value;
    h->counts[bucket_of((uint64_t)value)]++;
    h->n++;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->counts[i] += from->counts[i];
    h->n += from->n;
    if (from->max > h->max)
        h->max = from->max;
}

int64_t histogram_percentile(const struct histogram *h, double part)
{
    uint64_t rank = (uint64_t)(part * (double)h->n);
    uint64_t seen = 0;

    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > rank || (seen == h->n && seen > 0))
            return bucket_begin(i);
    }
    return 0;
}

static uint64_t octave_count(const struct histogram *h, int octave)
{
    uint64_t n = 0;

    for (int i = 0; i < HISTOGRAM_STEPS; i++)
        n += h->counts[octave * HISTOGRAM_STEPS + i];
    return n;
}

void histogram_draw(FILE *f, const struct histogram *h)
{
    uint64_t most = 0;

    for (int o = 0; o < HISTOGRAM_BUCKETS / HISTOGRAM_STEPS; o++)
        if (octave_count(h, o) > most)
            most = octave_count(h, o);
    for (int o = 0; o < HISTOGRAM_BUCKETS / HISTOGRAM_STEPS; o++) {
        uint64_t n = octave_count(h, o);
        int bar = most ? (int)(n * BAR / most) : 0;

        if (n == 0)
            continue;
        fprintf(f, "%12.3f ms %10llu ",
                (double)bucket_begin((o + 1) * HISTOGRAM_STEPS) / 1e6,
                (unsigned long long)n);
        for (int i = 0; i < bar; i++)
            putc('#', f);
        fputs(bar ? "\n" : ".\n", f);
    }
}
