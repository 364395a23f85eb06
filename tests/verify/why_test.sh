#!/bin/sh
# What epic why says of the lines of generated files.
set -u
src=$(cd "${srcdir:-.}" && pwd)
epic=${EPIC:-$(pwd)/epic}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
/usr/bin/python3 -c 'import cbor2' 2>/dev/null || { echo "python3-cbor2 is missing"; exit 77; }
ASAN_OPTIONS=detect_leaks=0 /usr/bin/python3 "$src/tests/verify/why_test.py" "$epic" "$src/examples" "$tmp"
