/* SPDX-License-Identifier: MIT */

#include <silverback/fiber.h>

#include "conn/pools.h"
#include "fiber/offload.h"
#include "fiber/signal.h"
#include "fiber/watchdog.h"
#include "io/tls_client_ctx.h"

void ws_cleanup(void)
{
    ws__offload_cleanup();
    ws__watchdog_cleanup();
    ws__signal_cleanup();
    ws__tls_client_cleanup();
    ws__pools_cleanup();
}
