#!/bin/sh
# Answers of next proxies that once were interesting: any split of them gives the same events.
exec tests/fuzz/replay_upstream "${srcdir:-.}/tests/fuzz/corpus/upstream"
