include tests/unit/local.mk
include tests/unit/filter.mk
include tests/prop/filter.mk
include tests/prop/bridges.mk
include tests/golden/local.mk

TESTS += tests/lint/layers.sh
EXTRA_DIST += tests/lint/layers.sh tests/lint/layers.py tests/summary.sh tests/skips

# What test scripts need to know.
AM_TESTS_ENVIRONMENT = EPIC='$(abs_top_builddir)/epic'; EPIC_GRAPH='$(abs_top_builddir)/epic-graph'; \
	srcdir='$(abs_top_srcdir)'; export EPIC EPIC_GRAPH srcdir;
