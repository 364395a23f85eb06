#!/bin/sh
# Frames that once were interesting to a module: all are accounted for.
exec tests/fuzz/replay_modules "${srcdir:-.}/tests/fuzz/corpus/modules"
