/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_SOCK_H
#define WS_IO_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <silverback/base.h>
#include <silverback/fiber.h>

#define WS__ADDR_LEN 128 /* of an address as text */

/*
 * Accept one connection without waiting: non-blocking, close-on-exec, and with
 * the listening socket's TCP_NODELAY, as Linux does; remote as ws__remote_name.
 * What is wrong with one connection only (ECONNABORTED, EPROTO, ...) is passed
 * over.  Returns the descriptor, -EAGAIN, -EMFILE or -ENFILE (or -ENOBUFS,
 * -ENOMEM) when there is no room, or another negated errno.
 */
int ws__accept(int fd, char remote[static WS__ADDR_LEN]);

/* How many connections wait to be accepted; -1 where the kernel does not say, as
 * of a local socket. */
int ws__accept_queue(int fd);

/* Connect a stream socket by the deadline; cancel may be NULL.  Returns it,
 * non-blocking and with TCP_NODELAY, or a negative code. */
int ws__connect(const struct sockaddr *addr, socklen_t len, int64_t deadline,
                ws_event *cancel);

/* ws__connect in two parts that do not wait: begin returns a descriptor, or a
 * negated errno; once it is writable, end returns 0 or why there is no
 * connection. */
int ws__connect_begin(const struct sockaddr *addr, socklen_t len);
int ws__connect_end(int fd);

/* Answers are small, and written when they are complete: nothing is gained by
 * holding them back.  Fails on a local socket, which does not. */
void ws__nodelay(int fd);

/* Make a descriptor non-blocking and close-on-exec.  Returns 0 or a negated
 * errno. */
int ws__nonblocking(int fd);

/* Is it a unix socket? */
bool ws__is_local(int fd);

/* The two ends' addresses as text: "127.0.0.1:80", "[::1]:80", "unix:path", or
 * "" when there is none.  The other end's path is escaped as in a line (see
 * base/line.h), and cut where it has no room then. */
void ws__local_name(int fd, char out[static WS__ADDR_LEN]);
void ws__remote_name(int fd, char out[static WS__ADDR_LEN]);

#endif
