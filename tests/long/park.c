/* SPDX-License-Identifier: MIT */

/* park [PREEMPTIONS [LIMIT]]: plays each scene of tests/park_scenes.h in all
 * orders with at most so many preemptions (3), at most LIMIT (0: all) of each.
 * Ends with 1 when something goes wrong in one. */

#include "park_scenes.h"

int main(int argc, char **argv)
{
    return explore_every(scenes, COUNT(scenes), 3, argc, argv);
}
