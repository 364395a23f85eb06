# Each case is a test of its own: a policy, and beside it what epic must print.
TEST_EXTENSIONS = .epi .sh
EPI_LOG_COMPILER = $(SHELL) $(srcdir)/tests/golden/run.sh
SH_LOG_COMPILER = $(SHELL)
include tests/golden/cases.mk
TESTS += $(GOLDEN_CASES)
EXTRA_DIST += tests/golden/run.sh $(GOLDEN_CASES) $(GOLDEN_CASES:.epi=.expected) $(GOLDEN_MORE)

# Writes every expectation anew; read the difference before you believe it.
update-golden: epic
	for c in $(GOLDEN_CASES); do \
		EPIC='$(abs_top_builddir)/epic' UPDATE=1 $(SHELL) $(srcdir)/tests/golden/run.sh $(srcdir)/$$c; done
.PHONY: update-golden
