#!/bin/sh
exec /usr/bin/python3 -B "$srcdir/tests/lsp/protocol_test.py" "$EPIC"
