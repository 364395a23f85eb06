# The policy in force; its plans come from the compiler's writer.
SOCKS_POLICY_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a backends/cbor/libplancbor.a compiler/plan/libplan.a \
	compiler/base/libbase.a $(SOCKS_LIBS) $(CBOR_LIBS) -lm -lpthread

check_PROGRAMS += %D%/test_socks_policy
%C%_test_socks_policy_SOURCES = %D%/test_socks_policy.c %D%/policy_of.h
%C%_test_socks_policy_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_socks_policy_LDADD = $(UNIT_LIBS) $(SOCKS_POLICY_LIBS)
TESTS += %D%/test_socks_policy
