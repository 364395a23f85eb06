#!/bin/sh
# The words of the editor modes; see editors.py.
exec /usr/bin/python3 -B "$srcdir/tests/lint/editors.py" "$srcdir"
