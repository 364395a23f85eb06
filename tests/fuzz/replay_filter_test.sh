#!/bin/sh
# Filters and frames that once were interesting: none does harm.
tests/fuzz/replay_filter "${srcdir:-.}/tests/fuzz/corpus/filter" &&
	exec tests/fuzz/replay_packet "${srcdir:-.}/tests/fuzz/corpus/packet"
