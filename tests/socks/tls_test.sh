#!/bin/sh
# TLS and certificates of epic-socksd, in a network namespace of its own.
[ -x /usr/bin/python3 ] || { echo "skipped: /usr/bin/python3 is missing"; exit 77; }
exec /usr/bin/python3 -B "${srcdir:-$(dirname "$0")/../..}/tests/socks/tls_test.py"
