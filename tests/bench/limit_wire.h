/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LIMIT_WIRE_H
#define BENCH_LIMIT_WIRE_H

/* What the limit asks of the system. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <sys/types.h>

enum { LIMIT_ANSWER = 512 };

_Noreturn void limit_fail(const char *what, const char *why);

/* p, which is not NULL. */
void *limit_need(void *p);

/* Enlarge *p, of *room bytes, to n at least. */
void limit_room(uint8_t **p, size_t *room, size_t n);

int limit_listen(int port);
SSL_CTX *limit_tls(void);

/* How many bytes; 0: the connection has ended; -1: none for now. */
ssize_t limit_get(int fd, SSL *ssl, uint8_t *p, size_t n);

/* How many bytes went out.  That the peer is gone shows when reading. */
size_t limit_put(int fd, SSL *ssl, const uint8_t *p, size_t n);

/* Write the head that answers the request, LIMIT_ANSWER bytes at most.  Returns
 * whether it can be answered. */
bool limit_answer(char *head, const char *request, bool deflate);

#endif
