#!/bin/sh
# What leaves epic-dpdkd equals what the interpreter of `epic trace` says.
exec /usr/bin/python3 "${srcdir:-$(dirname "$0")/../..}/tests/dpdk/trace_test.py"
