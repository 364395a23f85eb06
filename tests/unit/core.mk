# runtime/core, and how runtime/dpdk tells its state.
CORE_TEST_LIBS = runtime/core/libcore.a $(UNIT_LIBS) $(JANSSON_LIBS) -lpthread -lm
STATS_TEST_LIBS = runtime/dpdk/libdpdkd.a runtime/core/libcore.a runtime/plan/libplanreader.a \
	$(UNIT_LIBS) $(JANSSON_LIBS) $(DPDK_LIBS) -lpthread -lm

check_PROGRAMS += %D%/test_core_text %D%/test_core_log %D%/test_core_control %D%/test_core_json \
	%D%/test_dpdk_stats %D%/test_dpdk_telemetry
%C%_test_core_text_SOURCES = %D%/test_core_text.c
%C%_test_core_text_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_text_LDADD = $(CORE_TEST_LIBS)
%C%_test_core_log_SOURCES = %D%/test_core_log.c
%C%_test_core_log_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_log_LDADD = $(CORE_TEST_LIBS)
%C%_test_core_control_SOURCES = %D%/test_core_control.c
%C%_test_core_control_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_control_LDADD = $(CORE_TEST_LIBS)
%C%_test_core_json_SOURCES = %D%/test_core_json.c
%C%_test_core_json_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_json_LDADD = $(CORE_TEST_LIBS)
%C%_test_dpdk_stats_SOURCES = %D%/test_dpdk_stats.c %D%/made_stats.c %D%/made_stats.h
%C%_test_dpdk_stats_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(DPDK_CFLAGS)
%C%_test_dpdk_stats_LDADD = $(STATS_TEST_LIBS)
%C%_test_dpdk_telemetry_SOURCES = %D%/test_dpdk_telemetry.c %D%/made_stats.c %D%/made_stats.h
%C%_test_dpdk_telemetry_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(DPDK_CFLAGS)
%C%_test_dpdk_telemetry_LDADD = $(STATS_TEST_LIBS)
TESTS += %D%/test_core_text %D%/test_core_log %D%/test_core_control %D%/test_core_json \
	%D%/test_dpdk_stats %D%/test_dpdk_telemetry
