/* SPDX-License-Identifier: MIT */

#ifndef TOOL_TCP_H
#define TOOL_TCP_H

/* Listen at "PORT" of this machine, or "[HOST]:PORT".  Returns a non-blocking
 * descriptor, or -1, and has said why. */
int tcp_listen(const char *where);

/* "HOST:PORT", or "[HOST]:PORT", for free. */
char *tcp_join(const char *host, const char *port);

/* "127.0.0.1:80" of a socket of ours, for free. */
char *tcp_address(int fd);

/* What is next in the queue, non-blocking; or a negated errno, -EAGAIN when there
 * is nothing. */
int tcp_accept(int fd);

#endif
