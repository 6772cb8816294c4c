#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh BUILD_DIR: fetch the peers that the interop tests talk to, and build
# them, all below BUILD_DIR/interop.  Can be run twice.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/interop"
out=$(cd "$1/interop" && pwd)

# gorilla/websocket and golang.org/x/net, at the versions in go.mod.
export GOMODCACHE="$out/go/mod" GOCACHE="$out/go/cache"
export GOFLAGS="-modcacherw -buildvcs=false" GOTOOLCHAIN=local
(cd "$here/go" && go build -mod=readonly -o "$out/go_peer" . &&
    go build -mod=readonly -o "$out/book_peer" ./book &&
    go build -mod=readonly -o "$out/person_peer" ./person)

# websockets, at the version in requirements.txt.
[ -x "$out/venv/bin/python" ] || python3 -m venv "$out/venv"
"$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "$here/requirements.txt"

# ws, at the version in package.json.
cp "$here/package.json" "$out/package.json"
npm install --prefix "$out" --silent --no-audit --no-fund --no-package-lock
