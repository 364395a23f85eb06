#!/bin/sh
# Audit logs that once were interesting, and what was done to them.
exec tests/fuzz/replay_audit "${srcdir:-.}/tests/fuzz/corpus/audit"
