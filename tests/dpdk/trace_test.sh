#!/bin/sh
# trace_test.py, where the EAL starts.
exec python3 "${srcdir:-$(dirname "$0")/../..}/tests/dpdk/trace_test.py"
