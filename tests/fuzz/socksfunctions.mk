# The audit log's verifier.
FUZZ_AUDIT_SOURCES = %D%/fuzz_audit.c
FUZZ_AUDIT_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	$(SOCKS_LIBS)

check_PROGRAMS += %D%/replay_audit
%C%_replay_audit_SOURCES = $(FUZZ_AUDIT_SOURCES) %D%/replay.c
%C%_replay_audit_LDADD = $(FUZZ_AUDIT_LIBS)
TESTS += %D%/replay_audit_test.sh
EXTRA_DIST += %D%/replay_audit_test.sh

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_audit
%C%_fuzz_audit_SOURCES = $(FUZZ_AUDIT_SOURCES)
%C%_fuzz_audit_LDADD = $(FUZZ_AUDIT_LIBS)
%C%_fuzz_audit_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
