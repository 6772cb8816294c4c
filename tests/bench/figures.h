/* SPDX-License-Identifier: MIT */

#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

/* What is measured: clocks, memory, and how latencies are spread. */

#include <stdint.h>

uint64_t figures_now(void); /* ns */

/* part / whole; of nothing 0. */
double figures_share(uint64_t part, uint64_t whole);

/* CPU time of all threads of a process, in ns; 0 for pid 0. */
uint64_t figures_cpu(int pid);

/* CPU time of the whole machine that was not idle, stolen time included. */
uint64_t figures_busy(void); /* ns, in steps of 10 ms */

/* What a process has in memory, in KiB; 0 for pid 0. */
long figures_rss(int pid);

/* Latencies, in ns, to 1.6 %. */
void figures_add(uint64_t latency);
void figures_clear(void);
double figures_percentile(double share); /* us */

#endif
