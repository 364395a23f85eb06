#!/bin/sh
# Beginnings of connections that once were interesting: however they are cut, the same comes of them.
exec tests/fuzz/replay_inbound "${srcdir:-.}/tests/fuzz/corpus/inbound"
