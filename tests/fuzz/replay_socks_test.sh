#!/bin/sh
# Messages on the wire that once were interesting: what is read can be written again.
exec tests/fuzz/replay_socks "${srcdir:-.}/tests/fuzz/corpus/socks"
