#!/bin/sh
# The recorder refuses broken scripts; the scripts of these policies pass it and do what they say.
set -u
srcdir=${srcdir:-.}
here=$srcdir/tests/backends/bess
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
/usr/bin/python3 "$here/recorder_test.py" || exit $?
exec /usr/bin/python3 "$here/bess_test.py" "$here"/*.epi "$srcdir/examples/firewall.epi"
