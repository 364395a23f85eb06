# What a client of the SOCKS runtime says first, and PROXY headers.
FUZZ_INBOUND_SOURCES = %D%/fuzz_inbound.c tests/prop/inbound_talk.c tests/prop/inbound_talk.h
FUZZ_INBOUND_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a $(SOCKS_LIBS)

check_PROGRAMS += %D%/replay_inbound
%C%_replay_inbound_SOURCES = $(FUZZ_INBOUND_SOURCES) %D%/replay.c
%C%_replay_inbound_LDADD = $(FUZZ_INBOUND_LIBS)
TESTS += %D%/replay_inbound_test.sh
EXTRA_DIST += %D%/replay_inbound_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_inbound
%C%_fuzz_inbound_SOURCES = $(FUZZ_INBOUND_SOURCES)
%C%_fuzz_inbound_LDADD = $(FUZZ_INBOUND_LIBS)
%C%_fuzz_inbound_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
