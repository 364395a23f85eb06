#!/bin/sh
# What epic diff says of changed policies.
set -u
src=$(cd "${srcdir:-.}" && pwd)
epic=${EPIC:-$(pwd)/epic}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
ASAN_OPTIONS=detect_leaks=0 /usr/bin/python3 "$src/tests/verify/diff_test.py" "$epic" "$src/examples" "$tmp"
