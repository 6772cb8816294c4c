#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: LWS_CALLBACK_RECEIVE gets pieces of rx_buffer_size, whether or not they
#   were compressed, and lws_remaining_packet_payload is 0 at the last of a
#   message of one frame.
# Seen: a piece is what one receive brought, less the header: 4096 bytes come
#   as 4088 and 8. Of a compressed message pieces have 1024, whatever
#   rx_buffer_size says, and 0 remain at all that come of the last bytes, of
#   which lws_is_final_fragment alone tells the last.
# With: libwebsockets 4.1.6 (Debian's 4.1.6-3); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs cc python3
debian libwebsockets-dev 4.1.6-3
cat >server.c <<'END'
#include "lws_server.h"

int main(void)
{
    static const struct lws_protocols protocols[] = {
        { .name = "show", .callback = lws_server_show, .rx_buffer_size = 4096 },
        { 0 },
    };
    return lws_server_run(protocols);
}
END
cc -I"$here" server.c -o server -lwebsockets >&2 || exit 77
cat >send.py <<'END'
import sys
from raw import *

port, data = int(sys.argv[1]), bytes(range(256)) * 16
end = dial(port)
end.send(BINARY, data)
end.send(PING)
end.until(PONG)
end = dial(port, "/", "permessage-deflate; client_no_context_takeover; "
           "server_no_context_takeover")
end.send(BINARY, deflated(data), COMPRESSED)
end.send(PING)
end.until(PONG)
END
./server >said &
peer=$!
started said
python3 send.py "$(head -n 1 said)"
tail -n +2 said >seen
expect <<'END'
the protocol is show
a piece of 4088, 8 remain, not the last
a piece of 8, 0 remain, the last
the protocol is show
a piece of 1024, 0 remain, not the last
a piece of 1024, 0 remain, not the last
a piece of 1024, 0 remain, not the last
a piece of 1024, 0 remain, the last
END
