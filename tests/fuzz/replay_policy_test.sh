#!/bin/sh
# Policies that once were interesting, and every example: none does harm, and what parses
# is formatted without loss.
set -e
src=${srcdir:-.}
EPIC_FUZZ_STD=$src/stdlib
ASAN_OPTIONS=detect_leaks=0
export EPIC_FUZZ_STD ASAN_OPTIONS
tests/fuzz/replay_policy "$src/tests/fuzz/corpus/policy" "$src/examples" "$src/stdlib"
tests/fuzz/replay_fmt "$src/tests/fuzz/corpus/policy" "$src/examples" "$src/stdlib"
