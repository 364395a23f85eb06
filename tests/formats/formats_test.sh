#!/bin/sh
# sarif, github and junit, read by readers that were written elsewhere.
python=/usr/bin/python3
here=${srcdir:-$(dirname "$0")/../..}/tests/formats
"$python" -c 'import jsonschema, sarif_om' 2>/dev/null || { echo "skipped: python3 with jsonschema, sarif_om is missing"; exit 77; }
command -v xmllint >/dev/null || { echo "skipped: xmllint is missing"; exit 77; }
exec "$python" -B "$here/formats_test.py"
