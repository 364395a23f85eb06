# Not part of `make check`: figures, no assertions.
bench: epic
	/usr/bin/python3 $(srcdir)/tests/bench/bench.py $(abs_top_builddir)/epic
.PHONY: bench
EXTRA_DIST += tests/bench/bench.py
EXTRA_DIST += tests/bench/two_workers.epi
