#!/bin/sh
# Sealed bytes, whole and changed: only what was sealed comes out.
exec tests/fuzz/replay_seal "${srcdir:-.}/tests/fuzz/corpus/seal"
