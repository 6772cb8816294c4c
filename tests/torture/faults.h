/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TORTURE_FAULTS_H
#define TESTS_TORTURE_FAULTS_H

/* What the library asks of the system and of OpenSSL's memory, counted, and one of
 * these requests made to fail.  The system calls are those of the library and of
 * the program that is linked with --wrap (see tests/meson.build). */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum fault_place {
    FAULT_MEMORY, /* the library's, zlib's and what else asks by its functions */
    FAULT_OPENSSL, /* OpenSSL's memory */
    FAULT_RECV,
    FAULT_SEND,
    FAULT_SENDMSG,
    FAULT_ACCEPT,
    FAULT_SOCKET,
    FAULT_CONNECT,
    FAULT_POLL,
    FAULT_EPOLL_CREATE,
    FAULT_EPOLL_CTL, /* but for those that take one out, which cannot fail */
    FAULT_EPOLL_WAIT,
    FAULT_EVENTFD,
    FAULT_ENTROPY,
    FAULT_NAME, /* getaddrinfo */
    FAULT_THREAD,
    FAULT_PLACES,
};

/* How a call fails: by an errno, by moving a byte alone, or, of getaddrinfo, by
 * one of its codes, which are below 0. */
enum { FAULT_SHORT = 100000 };

struct fault {
    enum fault_place place;
    long at; /* the how-manieth request, from 1; 0: none fails */
    bool for_good;
    int how;
};

/* In main, before anything else. */
void faults_install(void);

/* Count from here, and let one fail; then none again. */
void faults_begin(const struct fault *f);
void faults_end(void);

/* Between the two. */
long faults_count(enum fault_place place);
bool faults_fired(void);

/* Blocks of FAULT_MEMORY and FAULT_OPENSSL that are not freed. */
long faults_alive(enum fault_place place);

/* In which ways it may fail, ended by 0; and is that nothing that anybody need
 * hear of? */
const int *faults_ways(enum fault_place place);
bool faults_recoverable(const struct fault *f);

/* "recv 12: EINTR" */
const char *faults_text(const struct fault *f, char *out, size_t n);

/* Of the test itself, and not counted. */
ssize_t faults_real_recv(int fd, void *p, size_t n, int flags);
ssize_t faults_real_send(int fd, const void *p, size_t n, int flags);

#endif
