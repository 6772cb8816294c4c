# SPDX-License-Identifier: MIT
#
# For the scripts beside it, which read it first: a temporary folder, where they
# then are, what they install there, and the comparison at their end.

here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
cd "$dir" || exit
peer=
trap 'test -z "$peer" || kill $peer; cd /; rm -rf "$dir"' EXIT
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

# needs COMMAND...: or the script is skipped.
needs()
{
    for command; do
        command -v "$command" >/dev/null && continue
        echo "skipped: needs the command $command"
        exit 77
    done
}

# debian PACKAGE VERSION: this package of bookworm, or the script is skipped.
debian()
{
    needs dpkg
    seen=$(dpkg-query -W -f '${Version}' \
        "$1:$(dpkg --print-architecture)" 2>/dev/null)
    [ "$seen" != "$2" ] || return 0
    echo "skipped: needs Debian's $1 $2, there is ${seen:-none}"
    exit 77
}

# pip_install PACKAGE==VERSION...: then ./venv/bin/python has them.
pip_install()
{
    needs python3
    python3 -m venv venv && venv/bin/pip -q install --no-input "$@" >&2 ||
        exit 77
}

# serve aiohttp|tornado|websockets: with what pip_install has installed, until it
# is ended; says its port (servers.py).
serve()
{
    exec venv/bin/python -c "import servers; servers.serve_$1()"
}

# npm_install PACKAGE@VERSION...
npm_install()
{
    needs node npm
    npm install --silent --no-audit --no-fund "$@" >&2 || exit 77
}

# cargo_install NAME@VERSION: then cargo/bin has it.
cargo_install()
{
    needs cargo
    cargo install --quiet --locked --root cargo "$1" >&2 || exit 77
}

# go_server NAME MODULE@VERSION...: ./NAME is the server in Go on stdin, whose
# main ends with serve() (serve.go).
go_server()
{
    needs go
    name=$1
    shift
    export GOPATH="$dir/go" GOFLAGS="-mod=mod -modcacherw"
    printf 'module %s\ngo 1.20\n' "$name" >go.mod
    for module; do
        echo "require ${module%@*} ${module#*@}" >>go.mod
    done
    cp "$here/serve.go" . && cat >main.go && nice go build -o "$name" . >&2 ||
        exit 77
}

# started FILE...: the peers that write their ports there have done so.
started()
{
    i=0
    for file; do
        until grep -q '^[0-9]' "$file"; do
            i=$((i + 1))
            [ $i -lt 300 ] || exit 77
            sleep 0.1
        done
    done
}

# expect: the file seen is what stands on stdin.
expect()
{
    cat seen
    if diff - seen >difference; then
        echo "as expected"
    else
        echo "has changed (< expected, > seen):"
        cat difference
        exit 1
    fi
}
