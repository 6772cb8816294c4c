/* SPDX-License-Identifier: MIT */

#ifndef BENCH_NEIGHBOURS_H
#define BENCH_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

struct ports {
    int plain;
    int tls;
};

struct peer;

/* What peers do: so many units a second each, one after the
 * other; the greedy one so many at once, and then none for as long as they
 * should have taken. */
struct kind {
    const char *name;
    int rate;  /* units a second, of one peer */
    int burst; /* of a greedy one */
    bool tls;
    void (*open)(struct peer *p);
    size_t (*make)(struct peer *p, char *out, int units);
    void (*act)(struct peer *p, int units); /* instead of these */
};

struct peer {
    const struct kind *kind;
    const struct ports *ports;
    int index;
    bool greedy;
    uint64_t begin;
    uint64_t until;
    long done; /* units */

    int fd;
    SSL *ssl;
    size_t made;
};

extern const struct kind bench_kinds[];

/* Be a peer until p->until. */
void *bench_peer(void *peer);

/* A folder with cert.pem, key.pem, and a small and a large file. */
void bench_make_files(void);
void bench_remove_files(void);
const char *bench_folder(void);
char *bench_file(const char *name);

void bench_sleep_until(uint64_t ns);
_Noreturn void bench_fail(const char *what, const char *why);

#endif
