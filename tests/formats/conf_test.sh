#!/bin/sh
# epic.conf: who is heard, and what is said of mistakes.
python=/usr/bin/python3
here=${srcdir:-$(dirname "$0")/../..}/tests/formats
[ -x "$python" ] || { echo "skipped: $python is missing"; exit 77; }
exec "$python" -B "$here/conf_test.py"
