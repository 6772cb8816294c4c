#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh BUILD_DIR: fetch the peers that the interop tests talk to, and build
# them, all below BUILD_DIR/interop.  Can be run twice.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/interop"
out=$(cd "$1/interop" && pwd)

# gorilla/websocket, coder/websocket and golang.org/x/net, at the versions in
# go.mod.
export GOMODCACHE="$out/go/mod" GOCACHE="$out/go/cache"
export GOFLAGS="-modcacherw -buildvcs=false" GOTOOLCHAIN=local
(cd "$here/go" && go build -mod=readonly -o "$out/go_peer" . &&
    go build -mod=readonly -o "$out/coder_peer" ./coder &&
    go build -mod=readonly -o "$out/book_peer" ./book &&
    go build -mod=readonly -o "$out/person_peer" ./person)

# websockets, at the version in requirements.txt.
[ -x "$out/venv/bin/python" ] || python3 -m venv "$out/venv"
"$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "$here/requirements.txt"

# ws and undici, at the versions in package.json.
cp "$here/package.json" "$out/package.json"
npm install --prefix "$out" --silent --no-audit --no-fund --no-package-lock

# websocketpp and libwebsockets, of the system.
c++ -std=c++14 -O1 -DASIO_STANDALONE -D_WEBSOCKETPP_CPP11_STL_ \
    -o "$out/websocketpp_peer" "$here/websocketpp_peer.cpp" -lz -lpthread
# shellcheck disable=SC2046
cc -O1 -o "$out/libwebsockets_peer" "$here/libwebsockets_peer.c" \
    $(pkg-config --cflags --libs libwebsockets)

# Java-WebSocket, at the version in pom.xml.
mvn --batch-mode --quiet --strict-checksums --file "$here/java/pom.xml" \
    -Dmaven.repo.local="$out/java/repository" \
    dependency:copy-dependencies -DoutputDirectory="$out/java/lib"
javac -d "$out/java/classes" -cp "$out/java/lib/*" "$here/java/Peer.java"
