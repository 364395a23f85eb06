# What the dataplane reads: filters, packets, pcap files, JSON.
FUZZ_JSON_LIBS = runtime/core/libcore.a $(JANSSON_LIBS) -lm

check_PROGRAMS += %D%/replay_json %D%/replay_replay %D%/replay_filter %D%/replay_packet \
	%D%/replay_modules
%C%_replay_json_SOURCES = %D%/fuzz_json.c %D%/replay.c
%C%_replay_json_LDADD = $(FUZZ_JSON_LIBS)
%C%_replay_replay_SOURCES = %D%/fuzz_replay.c %D%/replay.c
%C%_replay_replay_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_replay_replay_LDADD = $(DPDKD_LIBS)
%C%_replay_filter_SOURCES = %D%/fuzz_filter.c %D%/replay.c
%C%_replay_filter_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_replay_filter_LDADD = $(DPDKD_LIBS)
%C%_replay_packet_SOURCES = %D%/fuzz_packet.c %D%/replay.c
%C%_replay_packet_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_replay_packet_LDADD = $(DPDKD_LIBS)
%C%_replay_modules_SOURCES = %D%/fuzz_modules.c %D%/replay.c tests/unit/packets.c
%C%_replay_modules_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_replay_modules_LDADD = $(DPDKD_LIBS)
TESTS += %D%/replay_modules_test.sh %D%/replay_json_test.sh %D%/replay_replay_test.sh %D%/replay_filter_test.sh
EXTRA_DIST += %D%/replay_modules_test.sh %D%/replay_json_test.sh %D%/replay_replay_test.sh %D%/replay_filter_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_modules %D%/fuzz_json %D%/fuzz_replay %D%/fuzz_filter %D%/fuzz_packet
%C%_fuzz_modules_SOURCES = %D%/fuzz_modules.c tests/unit/packets.c
%C%_fuzz_modules_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_fuzz_modules_LDADD = $(DPDKD_LIBS)
%C%_fuzz_modules_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_json_SOURCES = %D%/fuzz_json.c
%C%_fuzz_json_LDADD = $(FUZZ_JSON_LIBS)
%C%_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_replay_SOURCES = %D%/fuzz_replay.c
%C%_fuzz_replay_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_fuzz_replay_LDADD = $(DPDKD_LIBS)
%C%_fuzz_replay_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_filter_SOURCES = %D%/fuzz_filter.c
%C%_fuzz_filter_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_fuzz_filter_LDADD = $(DPDKD_LIBS)
%C%_fuzz_filter_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_packet_SOURCES = %D%/fuzz_packet.c
%C%_fuzz_packet_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
%C%_fuzz_packet_LDADD = $(DPDKD_LIBS)
%C%_fuzz_packet_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
