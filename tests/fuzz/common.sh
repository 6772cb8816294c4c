# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For fuzz and afl, which say where they build ($build), with what more for meson
# setup (${options[@]}), and then source this.

fail()
{
    echo "${0##*/}: $*" >&2
    exit 1
}

# build_targets PREFIX [NAME...]: builds these, or all there are, for $names.
build_targets()
{
    local prefix=$1
    shift
    [ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=enabled \
        -Dexamples=disabled -Dbench=disabled -Dtool=disabled \
        -Db_lundef=false "${options[@]}" >/dev/null ||
        fail "$build cannot be set up: meson setup $build"
    ninja -C "$build" build.ninja >/dev/null # for the names
    names=("$@")
    [ $# -gt 0 ] || mapfile -t names < <(ninja -C "$build" -t targets all |
        sed -n "s|^tests/fuzz/$prefix\([a-z0-9_]*\): .*|\1|p")
    ninja -C "$build" "${names[@]/#/tests/fuzz/$prefix}" >/dev/null ||
        fail "the targets do not build: ninja -C $build"
}

# look_at NAME: sets $corpus and $dict, which is empty if there is none.
look_at()
{
    corpus=tests/fuzz/corpus/$1
    dict=tests/fuzz/$1.dict
    [ -f "$dict" ] || dict=
}
