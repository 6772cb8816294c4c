/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "fiber/memory.h"
#include "groups.h"

static void the_machine_has_memory(void **state)
{
    (void)state;
    int64_t all = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

    assert_in_range(ws__memory(), 1, all);
}

/* Files of a mocked system; NULL: there is none. */
static const struct {
    const char *groups;
    const char *max_of_root, *max_of_a, *max_of_b, *high_of_b;
    int64_t limit;
} limits[] = {
    { "0::/a/b\n", NULL, NULL, NULL, NULL, 0 },
    { "0::/a/b\n", NULL, NULL, "max\n", "max\n", 0 },
    { "0::/a/b\n", NULL, NULL, "4096\n", "max\n", 4096 },
    { "0::/a/b\n", NULL, NULL, "4096\n", "2048\n", 2048 },
    { "0::/a/b\n", NULL, NULL, "max\n", "2048\n", 2048 },
    { "0::/a/b\n", NULL, NULL, "1024\n", "2048\n", 1024 },
    { "0::/a/b\n", NULL, "1024\n", "4096\n", NULL, 1024 },
    { "0::/a\n", NULL, "4096\n", "1024\n", NULL, 4096 },
    { "0::/\n", "17179869184\n", NULL, NULL, NULL, 17179869184 },
    { "1:memory:/a\n", NULL, "4096\n", NULL, NULL, 0 },
    { "0::/a/b\n", NULL, NULL, "", "nonsense\n", 0 },
    { "0::/a/b\n", NULL, NULL, "-1\n", "0\n", 0 },
    { NULL, "4096\n", NULL, NULL, NULL, 0 },
};

static void the_limit_is_the_least_of_all_groups_above(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(limits); i++) {
        write_to("groups", limits[i].groups);
        write_to("root/memory.max", limits[i].max_of_root);
        write_to("root/a/memory.max", limits[i].max_of_a);
        write_to("root/a/b/memory.max", limits[i].max_of_b);
        write_to("root/a/b/memory.high", limits[i].high_of_b);
        int64_t limit = ws__memory_limit(groups, root);
        if (limit != limits[i].limit)
            fail_msg("row %zu: %lld, not %lld", i, (long long)limit,
                     (long long)limits[i].limit);
    }
}

static void groups_of_version_1_have_limits_too(void **state)
{
    (void)state;
    static const struct {
        const char *groups, *of_root, *of_a, *v2;
        int64_t limit;
    } rows[] = {
        { "4:memory:/a/b\n", "8192\n", "4096\n", NULL, 4096 },
        { "4:memory:/docker/of/the/host\n", "8192\n", "4096\n", NULL, 8192 },
        { "4:memory:/a\n", "9223372036854771712\n", NULL, NULL, 0 },
        { "4:memory:/a\n0::/a\n", "8192\n", "max\n", "2048\n", 2048 },
        { "4:memory:/a\n0::/a\n", "8192\n", "1024\n", "2048\n", 1024 },
        { "4:cpu:/a\n", "8192\n", "1024\n", NULL, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        write_to("groups", rows[i].groups);
        write_to("root/memory/memory.limit_in_bytes", rows[i].of_root);
        write_to("root/memory/a/memory.limit_in_bytes", rows[i].of_a);
        write_to("root/a/memory.max", rows[i].v2);
        int64_t limit = ws__memory_limit(groups, root);
        if (limit != rows[i].limit)
            fail_msg("row %zu: %lld, not %lld", i, (long long)limit,
                     (long long)rows[i].limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_has_memory),
        cmocka_unit_test(the_limit_is_the_least_of_all_groups_above),
        cmocka_unit_test(groups_of_version_1_have_limits_too),
    };

    return cmocka_run_group_tests_name("memory", tests, make_folders,
                                       remove_folders);
}
