#!/bin/sh
# Plans that once were interesting to the SOCKS runtime: none does harm.
exec tests/fuzz/replay_socks_policy "${srcdir:-.}/tests/fuzz/corpus/socks_policy"
