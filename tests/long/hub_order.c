/* SPDX-License-Identifier: MIT */

/* hub_order [PREEMPTIONS [LIMIT]]: plays each scene of tests/hub_scenes.h in all
 * orders with at most so many preemptions (2), at most LIMIT (0: all) of each.
 * Ends with 1 when there is a gap, a duplicate, or somebody left in one. */

#include "hub_scenes.h"

int main(int argc, char **argv)
{
    int preemptions = argc > 1 ? atoi(argv[1]) : 2;
    unsigned long limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int failed = 0;

    alloc_fail_install();
    for (size_t i = 0; i < COUNT(scenes); i++)
        failed += !explore_shown(&scenes[i], preemptions, limit);
    return failed > 0;
}
