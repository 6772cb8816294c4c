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

/* What a wait goes on for: still says so of key, and nobody wakes who is queued
 * there (see fiber/lot). */
struct ws__wait_key {
    bool (*still)(const void *key);
    const void *key;
};

/* That, for an event. */
struct ws__wait_key ws__wait_unset(const ws_event *event);

/* ws__wait_watched as long as all of the keys say so, WS__WAIT_KEYS at most: else
 * WS_ERR_CANCELED. */
enum { WS__WAIT_KEYS = 2 };
int ws__wait_while(int fd, struct ws__watch *watch, int events,
                   int64_t deadline, const struct ws__wait_key *keys, int n);

/* The same without a descriptor. */
int ws__wait_keys(int64_t deadline, const struct ws__wait_key *keys, int n);

#endif
