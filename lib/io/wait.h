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

/* ws__wait by a watch on fd, which may be NULL: then the events returned are those
 * that held when they were last reported. */
int ws__wait_watched(int fd, struct ws__watch *watch, int events,
                     int64_t deadline, ws_event *event);

/* ws__wait_watched, which ends with WS_ERR_CANCELED when still no longer says so
 * of key, or somebody wakes who is queued there (see ws__lot_enter). */
int ws__wait_while(int fd, struct ws__watch *watch, int events,
                   int64_t deadline, bool (*still)(const void *key),
                   const void *key);

#endif
