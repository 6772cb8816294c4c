/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_UPGRADE_H
#define WS_HTTP_UPGRADE_H

#include "conn/entry.h"

/* What a shutdown does to a connection that was upgraded. */
extern const struct ws__entry_ops ws__upgraded_ops;

#endif
