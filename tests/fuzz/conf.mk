# epic.conf, whatever is in it.
check_PROGRAMS += %D%/replay_conf
%C%_replay_conf_SOURCES = %D%/fuzz_conf.c %D%/replay.c
%C%_replay_conf_LDADD = $(FUZZ_POLICY_LIBS)
TESTS += %D%/replay_conf_test.sh
EXTRA_DIST += %D%/replay_conf_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_conf
%C%_fuzz_conf_SOURCES = %D%/fuzz_conf.c
%C%_fuzz_conf_LDADD = $(FUZZ_POLICY_LIBS)
%C%_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
