/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_CONTROL_H
#define WS_CONN_CONTROL_H

#include "conn/conn.h"

/* Do what the control frame in the reader asks for, or have the user's handler do
 * it.  For the reading fiber.  Returns 0, or what ends reading: then that is
 * recorded, and the peer told. */
int ws__control_came(ws_conn *c);

#endif
