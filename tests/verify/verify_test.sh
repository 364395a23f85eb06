#!/bin/sh
# What epic verify finds, and what it leaves in peace.
set -u
src=$(cd "${srcdir:-.}" && pwd)
epic=${EPIC:-$(pwd)/epic}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
ASAN_OPTIONS=detect_leaks=0 /usr/bin/python3 "$src/tests/verify/verify_test.py" "$epic" "$src/examples" "$tmp"
