/* SPDX-License-Identifier: MIT */

/*
 * silverback.h - WebSockets in straight-line C.
 *
 * A server upgrades an HTTP request into a connection and talks to it with
 * blocking reads and writes.  Every handler runs in a fiber of its own, so
 * waiting costs a small stack and not a thread:
 *
 *     static void echo(ws_request *r, void *arg)
 *     {
 *         ws_conn *c = ws_upgrade(NULL, r, NULL);
 *         ws_message m;
 *
 *         while (ws_read_message(c, &m) == 0 &&
 *                ws_write_message(c, m.type, m.data, m.len) == 0)
 *             ;
 *         ws_close(c);
 *     }
 *
 * This is the only header that an application includes.  Read on in this order:
 *
 *     base.h       errors, time, allocation
 *     conn.h       messages: read, write, close, deadlines
 *     upgrade.h    server side: HTTP request -> connection
 *     dial.h       client side: URL -> connection
 *     queue.h      hand messages over instead of waiting
 *     hub.h        topics: what is published reaches all who have joined
 *     redial.h     the next one whenever it has ended
 *     http.h       the small HTTP/1.1 server around the handlers
 *     stats.h      what can be counted, for operators
 *     systemd.h    its sockets, readiness and watchdog
 *     tls.h        certificates, whose they are, and whom to trust
 *     fiber.h      go, sleep, events: the runtime under it all
 *     loop.h       the fibers in a loop of the program's own
 *     codec.h      send and receive values instead of bytes
 *     version.h    which one of this library it is
 *
 * Conventions that hold everywhere:
 *
 *   Errors       Functions return 0 or a negative code; ws_strerror() names it.
 *                Constructors return NULL; the reason is a ws_error, if any
 *                but memory is possible.  errno is never set for you to read.
 *   Options      Plain structs.  Zero means default, -1 none; NULL means all
 *                zero.  Read during the call, not kept, unless stated.  They
 *                may grow: their sizes belong to the soname.
 *   Ownership    What *_new, ws_upgrade, ws_dial and ws_adopt return is the
 *                caller's to close or free.  A function that takes a thing says
 *                so.  Everything else is borrowed, for as long as stated.
 *   NULL         Every ws_conn function accepts a NULL connection: what returns
 *                a code returns WS_ERR_INVALID, the rest 0, false or "".  A
 *                failed upgrade needs no branch of its own.
 *   Time         Deadlines are milliseconds on ws_now()'s clock; 0 is "never".
 *                Fields that end in _ms are durations.
 *   Concurrency  Stated at each type.  Unless stated, use from one fiber only.
 */

#ifndef SILVERBACK_H
#define SILVERBACK_H

#include "silverback/base.h"
#include "silverback/codec.h"
#include "silverback/conn.h"
#include "silverback/dial.h"
#include "silverback/fiber.h"
#include "silverback/http.h"
#include "silverback/hub.h"
#include "silverback/loop.h"
#include "silverback/queue.h"
#include "silverback/redial.h"
#include "silverback/stats.h"
#include "silverback/systemd.h"
#include "silverback/tls.h"
#include "silverback/upgrade.h"
#include "silverback/version.h"

#endif
