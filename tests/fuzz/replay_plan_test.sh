#!/bin/sh
# Plans that once were interesting: none does harm.
exec tests/fuzz/replay_plan "${srcdir:-.}/tests/fuzz/corpus/plan"
