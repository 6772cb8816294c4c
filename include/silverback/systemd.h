/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_SYSTEMD_H
#define SILVERBACK_SYSTEMD_H

#include "base.h"

WS_BEGIN_DECLS

/*
 * What systemd and a service say to each other: sd_listen_fds(3), sd_notify(3),
 * sd_watchdog_enabled(3), by the environment and a socket, without its library.
 * ws_server.systemd has ws_serve do all of it; these are for programs with a
 * main of their own.  All may be called from any fiber, any thread.
 */

/*
 * Which of the sockets passed to this process (LISTEN_PID, LISTEN_FDS) have that
 * name (LISTEN_FDNAMES, FileDescriptorName= of the socket unit); NULL: all.  They
 * are made close-on-exec, and are for ws_server.fds.
 *
 * Returns how many there are, of which the first max are written to fds; 0 if
 * none were passed; or WS_ERR_INVALID for variables that make no sense.
 */
WS_API int ws_sd_listen_fds(const char *name, int *fds, size_t max);

/*
 * Send lines such as "READY=1\nSTATUS=Serving" to who has started the service
 * (NOTIFY_SOCKET).  "RELOADING=1" at the beginning gets the
 * MONOTONIC_USEC that Type=notify-reload wants.
 *
 * Returns 1; 0 if nobody wants to know; or a negated errno.
 */
WS_API int ws_sd_notify(const char *fmt, ...) WS_PRINTF(1, 2);

/* How often "WATCHDOG=1" is to be sent, in milliseconds: half of what the
 * service manager waits for it (WATCHDOG_USEC, WATCHDOG_PID).  0: not at all.
 * Only while ws_listener_alive returns 0. */
WS_API int64_t ws_sd_watchdog_ms(void);

WS_END_DECLS

#endif
