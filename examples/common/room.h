/* SPDX-License-Identifier: MIT */

#ifndef COMMON_ROOM_H
#define COMMON_ROOM_H

#include <silverback.h>

/*
 * A room where everybody hears what one says (/chat, and /echo beside it): for
 * programs whose handlers all run on the program's own thread, in its loop.  So
 * nothing here has a lock, and the program's other callbacks use it as the
 * handlers do.
 */

/* Open it at an address; what is said in the room at url (NULL: none) is said
 * here, too.  Returns 0, or 1, and stderr has the reason. */
int room_open(ws_loop *loop, const char *addr, const char *url);

/* Tell everybody how many they are.  Never waits. */
void room_count(void);

/* Say goodbye to all of them.  Returns 0, or 1 if somebody did not go. */
int room_close(void);

#endif
