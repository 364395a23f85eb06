#!/bin/sh
# JSON that once was interesting: none does harm.
exec tests/fuzz/replay_json "${srcdir:-.}/tests/fuzz/corpus/json"
