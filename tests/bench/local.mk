# Not part of `make check`: figures, no assertions.
bench: epic
	/usr/bin/python3 $(srcdir)/tests/bench/bench.py $(abs_top_builddir)/epic
.PHONY: bench bench-dataplane
EXTRA_DIST += tests/bench/bench.py
EXTRA_DIST += tests/bench/two_workers.epi

if DPDK

# The published experiment on epic-dpdkd: figures, no assertions.  The bare loop is built for it alone.
EXTRA_PROGRAMS += %D%/bare_loop
%C%_bare_loop_SOURCES = %D%/bare_loop.c
%C%_bare_loop_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_bare_loop_LDADD = $(DPDKD_LIBS)
CLEANFILES += %D%/bare_loop dataplane.svg
bench-dataplane: epic epic-dpdkd %D%/bare_loop
	/usr/bin/python3 -B $(srcdir)/tests/bench/dataplane.py $(abs_top_builddir)/epic \
		$(abs_top_builddir)/epic-dpdkd $(abs_top_builddir)/%D%/bare_loop
EXTRA_DIST += %D%/dataplane.py %D%/dataplane_pipelines.py %D%/dataplane_plot.py %D%/dataplane_run.py
endif
