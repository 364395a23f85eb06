check_PROGRAMS += %D%/prop_dpdk_filter
%C%_prop_dpdk_filter_SOURCES = %D%/prop_dpdk_filter.c tests/unit/packets.c
%C%_prop_dpdk_filter_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_prop_dpdk_filter_LDADD = runtime/dpdk/libdpdkd.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(DPDK_LIBS)
TESTS += %D%/prop_dpdk_filter
