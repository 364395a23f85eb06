#!/bin/sh
# epic new: each starter passes its own CI steps and the commands of its README.
python=/usr/bin/python3
"$python" -c 'import yaml' 2>/dev/null || { echo "skipped: python3 with yaml is missing"; exit 77; }
command -v bash >/dev/null || { echo "skipped: bash is missing"; exit 77; }
exec "$python" -B "${srcdir:-.}/tests/new/new_test.py"
