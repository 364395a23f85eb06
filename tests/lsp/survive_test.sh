#!/bin/sh
exec /usr/bin/python3 -B "$srcdir/tests/lsp/survive_test.py" "$EPIC"
