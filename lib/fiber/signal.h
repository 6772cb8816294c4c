/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SIGNAL_H
#define WS_FIBER_SIGNAL_H

/* End the thread that waits for signals, if no event does. */
void ws__signal_cleanup(void);

#endif
