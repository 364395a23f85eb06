#!/bin/sh
# epic --watch, with the ways in which editors save.
python=/usr/bin/python3
here=${srcdir:-$(dirname "$0")/../..}/tests/formats
[ -x "$python" ] || { echo "skipped: $python is missing"; exit 77; }
exec "$python" -B "$here/watch_test.py"
