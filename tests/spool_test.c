/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/spool.h"

static char bytes[3 * 65536];

/* Also of a size that fills its last page. */
static void what_is_appended_is_mapped_with_a_nul(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 65536 };

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct ws__spool s;
        struct stat st;

        assert_int_equal(ws__spool_begin(&s, NULL), 0);
        for (size_t at = 0; at < 3; at++)
            assert_int_equal(
                ws__spool_append(&s, bytes + at * sizes[i], sizes[i]), 0);
        assert_int_equal(s.size, 3 * sizes[i]);
        assert_int_equal(ws__spool_map(&s), 0);
        assert_memory_equal(s.map, bytes, 3 * sizes[i]);
        assert_int_equal(s.map[3 * sizes[i]], '\0');
        assert_int_equal(fstat(s.fd, &st), 0);
        assert_int_equal(st.st_size, 3 * sizes[i]);
        assert_int_equal(st.st_nlink, 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(lseek(s.fd, 0, SEEK_CUR), 0);
        assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
        ws__spool_end(&s);
    }
}

static void the_folder_is_the_callers_or_the_environments(void **state)
{
    (void)state;
    struct ws__spool s;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;

    assert_int_equal(ws__spool_begin(&s, "/none-such"), -ENOENT);
    ws__spool_end(&s);
    setenv("TMPDIR", "/none-such", 1);
    assert_int_equal(ws__spool_begin(&s, NULL), -ENOENT);
    ws__spool_end(&s);
    setenv("TMPDIR", "", 1);
    assert_int_equal(ws__spool_begin(&s, NULL), 0);
    ws__spool_end(&s);
    assert_int_equal(ws__spool_begin(&s, "/dev/null"), -ENOTDIR);
    ws__spool_end(&s);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_mapped_with_a_nul),
        cmocka_unit_test(the_folder_is_the_callers_or_the_environments),
    };

    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
