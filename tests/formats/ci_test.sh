#!/bin/sh
# The shell steps of examples/ci and the problem matcher.
python=/usr/bin/python3
here=${srcdir:-$(dirname "$0")/../..}/tests/formats
"$python" -c 'import yaml' 2>/dev/null || { echo "skipped: python3 with yaml is missing"; exit 77; }
command -v bash >/dev/null || { echo "skipped: bash is missing"; exit 77; }
exec "$python" -B "$here/ci_test.py" steps
