/* SPDX-License-Identifier: MIT */

#include "fiber/queued.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of the file's three numbers the second, in nanoseconds (Linux,
 * Documentation/scheduler/sched-stats.rst). */
int64_t ws__queued_us(int tid)
{
    char path[64], text[128], *second = NULL;
    ssize_t n = 0;

    snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? -1 : 0;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    (void)strtoull(text, &second, 10);
    return (int64_t)(strtoull(second, NULL, 10) / 1000);
}
