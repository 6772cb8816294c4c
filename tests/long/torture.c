/* SPDX-License-Identifier: MIT */

/*
 * torture [MOST [WORDS]]: every request for memory and every system call of some
 * scenes fails once, each in all the ways that it may, in a process of its own;
 * or at most so many of these points of each scene (0: all), of those with the
 * words in their names.  Prints how many points there were.  Ends with 1 if not
 * all were tried, or one crashes, hangs, leaks, gives a wrong result or no error,
 * or leaves a server behind that does not serve.
 *
 * torture SCENE PLACE AT HOW [all]: the one that such a line is about, by numbers:
 * that of the scene, enum fault_place, and errno.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../torture/points.h"

static bool torture(const struct scene *s, long most)
{
    struct tally t = { 0 };
    char text[96];

    points_try(s, most, &t);
    printf("%s: %ld points found, %ld tried: %ld went well, %ld told of an "
           "error, %ld wrong; at most %d ms (%s)\n",
           s->name, t.found, t.tried, t.well, t.tried - t.well - t.wrong,
           t.wrong, t.slowest_ms, faults_text(&t.slowest, text, sizeof(text)));
    return t.found == t.tried && t.wrong == 0;
}

static int one(char **argv, bool for_good)
{
    const struct fault f = { (enum fault_place)atoi(argv[2]), atol(argv[3]),
                             for_good, atoi(argv[4]) };

    return points_try_one(&scenes[atoi(argv[1])], &f) ? 0 : 1;
}

int main(int argc, char **argv)
{
    long most = argc > 1 ? atol(argv[1]) : 0;
    bool well = true;

    points_begin();
    if (argc > 4)
        return one(argv, argc > 5);
    for (size_t i = 0; i < scenes_n; i++)
        if (argc < 3 || strstr(scenes[i].name, argv[2]))
            well = torture(&scenes[i], most) && well;
    return well ? 0 : 1;
}
