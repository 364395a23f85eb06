#!/bin/sh
# Configuration files that once were interesting: none does harm.
set -e
XDG_CONFIG_HOME=/nonexistent
export XDG_CONFIG_HOME
exec tests/fuzz/replay_conf "${srcdir:-.}/tests/fuzz/corpus/conf"
