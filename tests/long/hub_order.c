/* SPDX-License-Identifier: MIT */

/* hub_order [PREEMPTIONS [LIMIT]]: plays each scene of tests/hub_scenes.h in all
 * orders with at most so many preemptions (2), at most LIMIT (0: all) of each.
 * Ends with 1 when there is a gap, a duplicate, or somebody left in one. */

#include "hub_scenes.h"

int main(int argc, char **argv)
{
    alloc_fail_install();
    return explore_every(scenes, COUNT(scenes), 2, argc, argv);
}
