/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_WAIT_H
#define WS_IO_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/watch.h"

/*
 * Wait until fd has one of the poll(2) events, the deadline (0: never) passes,
 * or event, which may be NULL, is set.  All I/O of the library waits here.
 *
 * Returns the events that hold (> 0), WS_ERR_TIMEOUT, WS_ERR_CANCELED when the
 * event is set, or a negated errno.  A deadline that has passed still finds
 * what holds now.
 */
int ws__wait(int fd, int events, int64_t deadline, ws_event *event);

/* The same, by a watch on fd, which may be NULL; what it reports may be out of
 * date. */
int ws__wait_watched(int fd, struct ws__watch *watch, int events,
                     int64_t deadline, ws_event *event);

/* The same as long as still says so of key, and nobody wakes who is queued there
 * (see fiber/lot): else WS_ERR_CANCELED. */
int ws__wait_while(int fd, struct ws__watch *watch, int events,
                   int64_t deadline, bool (*still)(const void *key),
                   const void *key);

#endif
