#!/bin/sh
# Capture files and requests that once were interesting: none does harm.
exec tests/fuzz/replay_replay "${srcdir:-.}/tests/fuzz/corpus/replay"
