# Plans as the SOCKS runtime takes them.
FUZZ_SOCKS_POLICY_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a \
	runtime/core/libcore.a runtime/plan/libplanreader.a $(SOCKS_LIBS) $(CBOR_LIBS) -lm

check_PROGRAMS += %D%/replay_socks_policy
%C%_replay_socks_policy_SOURCES = %D%/fuzz_socks_policy.c %D%/replay.c
%C%_replay_socks_policy_LDADD = $(FUZZ_SOCKS_POLICY_LIBS)
TESTS += %D%/replay_socks_policy_test.sh
EXTRA_DIST += %D%/replay_socks_policy_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_socks_policy
%C%_fuzz_socks_policy_SOURCES = %D%/fuzz_socks_policy.c
%C%_fuzz_socks_policy_LDADD = $(FUZZ_SOCKS_POLICY_LIBS)
%C%_fuzz_socks_policy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
