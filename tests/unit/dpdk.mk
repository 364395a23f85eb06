# The dataplane's parts one by one, with real packets.
DPDK_UNIT_TESTS = \
	%D%/test_dpdk_balancer \
	%D%/test_dpdk_capture \
	%D%/test_dpdk_delay \
	%D%/test_dpdk_device \
	%D%/test_dpdk_esp \
	%D%/test_dpdk_filter \
	%D%/test_dpdk_firewall \
	%D%/test_dpdk_flow \
	%D%/test_dpdk_generate \
	%D%/test_dpdk_ids \
	%D%/test_dpdk_lpm \
	%D%/test_dpdk_nat \
	%D%/test_dpdk_normalizer \
	%D%/test_dpdk_profile \
	%D%/test_dpdk_replay \
	%D%/test_dpdk_small
DPDK_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(DPDK_CFLAGS)
DPDK_TEST_LIBS = $(UNIT_LIBS) $(DPDKD_LIBS)
DPDK_TEST_FILES = %D%/packets.c %D%/packets.h
check_PROGRAMS += $(DPDK_UNIT_TESTS) %D%/test_dpdk_sched
TESTS += $(DPDK_UNIT_TESTS) %D%/test_dpdk_sched

%C%_test_dpdk_balancer_SOURCES = %D%/test_dpdk_balancer.c %D%/stateful.c %D%/stateful.h $(DPDK_TEST_FILES)
%C%_test_dpdk_balancer_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_balancer_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_capture_SOURCES = %D%/test_dpdk_capture.c $(DPDK_TEST_FILES)
%C%_test_dpdk_capture_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_capture_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_delay_SOURCES = %D%/test_dpdk_delay.c $(DPDK_TEST_FILES)
%C%_test_dpdk_delay_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_delay_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_device_SOURCES = %D%/test_dpdk_device.c $(DPDK_TEST_FILES)
%C%_test_dpdk_device_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_device_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_esp_SOURCES = %D%/test_dpdk_esp.c $(DPDK_TEST_FILES)
%C%_test_dpdk_esp_CFLAGS = $(DPDK_TEST_CFLAGS) $(NETTLE_CFLAGS)
%C%_test_dpdk_esp_LDADD = $(DPDK_TEST_LIBS) $(NETTLE_LIBS)
%C%_test_dpdk_filter_SOURCES = %D%/test_dpdk_filter.c $(DPDK_TEST_FILES)
%C%_test_dpdk_filter_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_filter_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_firewall_SOURCES = %D%/test_dpdk_firewall.c %D%/stateful.c %D%/stateful.h $(DPDK_TEST_FILES)
%C%_test_dpdk_firewall_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_firewall_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_flow_SOURCES = %D%/test_dpdk_flow.c %D%/stateful.c %D%/stateful.h $(DPDK_TEST_FILES)
%C%_test_dpdk_flow_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_flow_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_generate_SOURCES = %D%/test_dpdk_generate.c $(DPDK_TEST_FILES)
%C%_test_dpdk_generate_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_generate_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_ids_SOURCES = %D%/test_dpdk_ids.c $(DPDK_TEST_FILES)
%C%_test_dpdk_ids_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_ids_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_lpm_SOURCES = %D%/test_dpdk_lpm.c %D%/stateful.c %D%/stateful.h $(DPDK_TEST_FILES)
%C%_test_dpdk_lpm_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_lpm_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_nat_SOURCES = %D%/test_dpdk_nat.c %D%/stateful.c %D%/stateful.h $(DPDK_TEST_FILES)
%C%_test_dpdk_nat_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_nat_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_normalizer_SOURCES = %D%/test_dpdk_normalizer.c $(DPDK_TEST_FILES)
%C%_test_dpdk_normalizer_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_normalizer_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_profile_SOURCES = %D%/test_dpdk_profile.c $(DPDK_TEST_FILES)
%C%_test_dpdk_profile_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_profile_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_replay_SOURCES = %D%/test_dpdk_replay.c $(DPDK_TEST_FILES)
%C%_test_dpdk_replay_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_replay_LDADD = $(DPDK_TEST_LIBS)
%C%_test_dpdk_small_SOURCES = %D%/test_dpdk_small.c $(DPDK_TEST_FILES)
%C%_test_dpdk_small_CFLAGS = $(DPDK_TEST_CFLAGS)
%C%_test_dpdk_small_LDADD = $(DPDK_TEST_LIBS)

# Links nothing else: the scheduler knows neither packets nor DPDK.
%C%_test_dpdk_sched_SOURCES = %D%/test_dpdk_sched.c runtime/dpdk/sched.c
%C%_test_dpdk_sched_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_dpdk_sched_LDADD = $(UNIT_LIBS) -lm

# How the dataplane tells its state.
STATS_TEST_LIBS = runtime/dpdk/libdpdkd.a runtime/core/libcore.a runtime/plan/libplanreader.a \
	$(UNIT_LIBS) $(JANSSON_LIBS) $(DPDK_LIBS) -lpthread -lm

check_PROGRAMS += %D%/test_dpdk_stats %D%/test_dpdk_telemetry
%C%_test_dpdk_stats_SOURCES = %D%/test_dpdk_stats.c %D%/made_stats.c %D%/made_stats.h
%C%_test_dpdk_stats_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(DPDK_CFLAGS)
%C%_test_dpdk_stats_LDADD = $(STATS_TEST_LIBS)
%C%_test_dpdk_telemetry_SOURCES = %D%/test_dpdk_telemetry.c %D%/made_stats.c %D%/made_stats.h
%C%_test_dpdk_telemetry_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS) $(DPDK_CFLAGS)
%C%_test_dpdk_telemetry_LDADD = $(STATS_TEST_LIBS)
TESTS += %D%/test_dpdk_stats %D%/test_dpdk_telemetry
