#!/bin/sh
# The hooks of pre-commit, in a scratch repository.
python=/usr/bin/python3
here=${srcdir:-$(dirname "$0")/../..}/tests/formats
"$python" -c 'import yaml' 2>/dev/null || { echo "skipped: python3 with yaml is missing"; exit 77; }
command -v git >/dev/null || { echo "skipped: git is missing"; exit 77; }
command -v pre-commit >/dev/null || { echo "skipped: pre-commit is missing"; exit 77; }
exec "$python" -B "$here/ci_test.py" hooks
