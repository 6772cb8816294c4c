/* SPDX-License-Identifier: MIT */

#ifndef TESTS_GROUPS_H
#define TESTS_GROUPS_H

/* A process's list of control groups, and the folder where they are mounted, to
 * be filled by the test. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

enum { PATH_SIZE = 256 };

static char folder[] = "/tmp/groups.XXXXXX";
static char root[64], groups[64];

/* Where groups would be mounted: root/a/b, and, of version 1, with a controller
 * in between. */
static const char *const subfolders[] = {
    "root",        "root/a",        "root/a/b",
    "root/cpu",    "root/cpu/a",    "root/cpu/a/b",
    "root/memory", "root/memory/a", "root/memory/a/b",
};

static inline void at(const char *name, char path[static PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

static inline int make_folders(void **state)
{
    (void)state;
    char path[PATH_SIZE];

    assert_non_null(mkdtemp(folder));
    snprintf(root, sizeof(root), "%s/root", folder);
    snprintf(groups, sizeof(groups), "%s/groups", folder);
    for (size_t i = 0; i < COUNT(subfolders); i++) {
        at(subfolders[i], path);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    return 0;
}

static inline void write_to(const char *name, const char *text)
{
    char path[PATH_SIZE];

    at(name, path);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline void remove_in(const char *subfolder)
{
    static const char *const files[] = {
        "cpu.max",          "memory.max",        "memory.high",
        "cpu.cfs_quota_us", "cpu.cfs_period_us", "memory.limit_in_bytes",
    };
    char name[64], path[PATH_SIZE];

    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(name, sizeof(name), "%s/%s", subfolder, files[i]);
        write_to(name, NULL);
    }
    at(subfolder, path);
    rmdir(path);
}

static inline int remove_folders(void **state)
{
    (void)state;
    write_to("groups", NULL);
    for (size_t i = COUNT(subfolders); i-- > 0;)
        remove_in(subfolders[i]);
    return rmdir(folder);
}

#endif
