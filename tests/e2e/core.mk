# The clients of a dataplane's control socket, against made-up statistics.
check_PROGRAMS += %D%/top_fixture
%C%_top_fixture_SOURCES = %D%/top_fixture.c tests/unit/made_stats.c tests/unit/made_stats.h
%C%_top_fixture_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_top_fixture_LDADD = runtime/dpdk/libdpdkd.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(JANSSON_LIBS) $(DPDK_LIBS) -lm
TESTS += %D%/top_test.sh
EXTRA_DIST += %D%/top_test.sh %D%/top_test.py %D%/prometheus.py
