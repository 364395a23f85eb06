#!/bin/sh
# The layer check; see layers.py.
exec /usr/bin/python3 "$srcdir/tests/lint/layers.py" "$srcdir"
