#!/bin/sh
# epic-socksd while its policy changes, in a network namespace of its own.
[ -x /usr/bin/python3 ] || { echo "skipped: /usr/bin/python3 is missing"; exit 77; }
exec /usr/bin/python3 -B "${srcdir:-$(dirname "$0")/../..}/tests/socks/reload_test.py"
