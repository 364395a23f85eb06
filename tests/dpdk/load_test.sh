#!/bin/sh
# New plans, broken plans, broken packets, full tables, killed processes.
/usr/bin/python3 -c 'import cbor2' 2>/dev/null || { echo "python3-cbor2 is missing"; exit 77; }
exec /usr/bin/python3 "${srcdir:-$(dirname "$0")/../..}/tests/dpdk/load_test.py"
