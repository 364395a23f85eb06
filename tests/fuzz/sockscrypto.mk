# What the receiving end of a sealed way reads, and a keyring from its broker.
FUZZ_SEAL_SOURCES = %D%/fuzz_seal.c tests/prop/seal_pair.c tests/prop/seal_pair.h
FUZZ_SEAL_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(SOCKS_LIBS)

check_PROGRAMS += %D%/replay_seal
%C%_replay_seal_SOURCES = $(FUZZ_SEAL_SOURCES) %D%/replay.c
%C%_replay_seal_LDADD = $(FUZZ_SEAL_LIBS)
TESTS += %D%/replay_seal_test.sh
EXTRA_DIST += %D%/replay_seal_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_seal
%C%_fuzz_seal_SOURCES = $(FUZZ_SEAL_SOURCES)
%C%_fuzz_seal_LDADD = $(FUZZ_SEAL_LIBS)
%C%_fuzz_seal_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
