#!/bin/sh
# examples/hospital.epi with epic-socksd, nginx, curl and servers, each node in a network namespace of its own.
[ -x /usr/bin/python3 ] || { echo "skipped: /usr/bin/python3 is missing"; exit 77; }
exec /usr/bin/python3 -B "${srcdir:-$(dirname "$0")/../..}/tests/socks/hospital_test.py"
