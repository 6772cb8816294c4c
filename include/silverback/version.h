/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_VERSION_H
#define SILVERBACK_VERSION_H

#include "base.h"

WS_BEGIN_DECLS

/* The version that a program is compiled with.  While the first number is 0, a
 * new second one may change what there was before; the soname says which
 * libraries a compiled program can be run with. */
#define WS_VERSION_MAJOR 0
#define WS_VERSION_MINOR 4
#define WS_VERSION_PATCH 1

#define WS_VERSION_QUOTED_(major, minor, patch) #major "." #minor "." #patch
#define WS_VERSION_TEXT_(major, minor, patch)                                  \
    WS_VERSION_QUOTED_(major, minor, patch)

/* The same as text: "0.4.1". */
#define WS_VERSION                                                             \
    WS_VERSION_TEXT_(WS_VERSION_MAJOR, WS_VERSION_MINOR, WS_VERSION_PATCH)

/* For #if: whether it is that one or a later one. */
#define WS_VERSION_AT_LEAST(major, minor, patch)                               \
    (WS_VERSION_MAJOR > (major) ||                                             \
     (WS_VERSION_MAJOR == (major) &&                                           \
      (WS_VERSION_MINOR > (minor) ||                                           \
       (WS_VERSION_MINOR == (minor) && WS_VERSION_PATCH >= (patch)))))

/* The WS_VERSION of the library that the program runs with.  Static. */
WS_API const char *ws_version(void);

WS_END_DECLS

#endif
