# What a next proxy answers.
FUZZ_UPSTREAM_SOURCES = %D%/fuzz_upstream.c tests/prop/upstream_talk.c tests/prop/upstream_talk.h
FUZZ_UPSTREAM_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a

check_PROGRAMS += %D%/replay_upstream
%C%_replay_upstream_SOURCES = $(FUZZ_UPSTREAM_SOURCES) %D%/replay.c
%C%_replay_upstream_LDADD = $(FUZZ_UPSTREAM_LIBS)
TESTS += %D%/replay_upstream_test.sh
EXTRA_DIST += %D%/replay_upstream_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_upstream
%C%_fuzz_upstream_SOURCES = $(FUZZ_UPSTREAM_SOURCES)
%C%_fuzz_upstream_LDADD = $(FUZZ_UPSTREAM_LIBS)
%C%_fuzz_upstream_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
