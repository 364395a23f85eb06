# What the SOCKS runtime reads from the wire.
FUZZ_SOCKS_SOURCES = %D%/fuzz_socks.c tests/prop/socks_messages.c tests/prop/socks_messages.h
FUZZ_SOCKS_LIBS = runtime/socks/libsockswire.a

check_PROGRAMS += %D%/replay_socks
%C%_replay_socks_SOURCES = $(FUZZ_SOCKS_SOURCES) %D%/replay.c
%C%_replay_socks_LDADD = $(FUZZ_SOCKS_LIBS)
TESTS += %D%/replay_socks_test.sh
EXTRA_DIST += %D%/replay_socks_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_socks
%C%_fuzz_socks_SOURCES = $(FUZZ_SOCKS_SOURCES)
%C%_fuzz_socks_LDADD = $(FUZZ_SOCKS_LIBS)
%C%_fuzz_socks_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
