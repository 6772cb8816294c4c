/* SPDX-License-Identifier: MIT */

/*
 * A target with a main of its own, for any compiler: NAME FILE|FOLDER... has it
 * look at each file, and at each prefix of the short ones.  Built by afl-clang
 * and called without arguments, it is what afl-fuzz runs.
 */

#include <dirent.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

enum {
    PREFIXES_BELOW = 64, /* bytes */
    INPUT_MAX = 1 << 20,
    PATH_SIZE = 4096,
};

static unsigned long inputs, runs;

/* In memory of just this size, so that each byte too far is noticed. */
static void run(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);

    CHECK(copy);
    if (n > 0)
        memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    runs++;
}

static void replay_file(const char *path)
{
    static uint8_t data[INPUT_MAX];
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        exit(1);
    }
    size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    for (size_t cut = 0; n < PREFIXES_BELOW && cut < n; cut++)
        run(data, cut);
    run(data, n);
    inputs++;
}

static void replay(const char *path)
{
    struct stat st;
    DIR *folder = opendir(path);
    char name[PATH_SIZE];

    if (!folder) {
        replay_file(path);
        return;
    }
    for (struct dirent *e; (e = readdir(folder));) {
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
            replay_file(name);
    }
    closedir(folder);
}

#ifdef __AFL_FUZZ_TESTCASE_LEN

__AFL_FUZZ_INIT();

static void run_afl(void)
{
    const uint8_t *data = __AFL_FUZZ_TESTCASE_BUF;

    while (__AFL_LOOP(10000)) {
        size_t n = (size_t)__AFL_FUZZ_TESTCASE_LEN;
        run(data, n);
    }
}

#else

static void run_afl(void)
{
}

#endif

int main(int argc, char **argv)
{
    if (argc == 1)
        run_afl();
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%lu inputs, %lu runs\n", inputs, runs);
    return argc > 1 && inputs == 0;
}
