#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: curl -z 2021-01-01 asks with If-Modified-Since, or refuses the date.
# Seen: no such field goes out, nor with -s a word about it; "1 Jan 2021" and
#   20210101 are understood.
# With: curl 7.88.1 (Debian's curl 7.88.1-10+deb12u14); 28 November 2026.

. "$(dirname "$0")/common.sh"
needs python3
debian curl 7.88.1-10+deb12u14
python3 -u -c '
from http.server import *
s = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
print(s.server_port)
s.serve_forever()' >port 2>log &
peer=$!
started port
for date in 2021-01-01 "1 Jan 2021" 20210101; do
    printf '%s: ' "$date"
    curl -sv -o answer -z "$date" "http://127.0.0.1:$(cat port)/" 2>&1 |
        tr -d '\r' | grep '^> If-Modified-Since' || echo "no field"
done >seen
expect <<'END'
2021-01-01: no field
1 Jan 2021: > If-Modified-Since: Fri, 01 Jan 2021 00:00:00 GMT
20210101: > If-Modified-Since: Fri, 01 Jan 2021 00:00:00 GMT
END
