# Bridging functions of the SOCKS runtime, and the redirector's rules.
FUNCTIONS_UNIT_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(UNIT_LIBS) $(CBOR_LIBS) $(SOCKS_LIBS)
FUNCTIONS_UNIT_TESTS = \
	%D%/test_functions_audit \
	%D%/test_functions_exec \
	%D%/test_functions_limits \
	%D%/test_functions_relay \
	%D%/test_functions_table \
	%D%/test_redirect
FUNCTION_RIG = %D%/function_rig.c %D%/function_rig.h

check_PROGRAMS += $(FUNCTIONS_UNIT_TESTS)
TESTS += $(FUNCTIONS_UNIT_TESTS)
%C%_test_functions_audit_SOURCES = %D%/test_functions_audit.c $(FUNCTION_RIG)
%C%_test_functions_audit_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_functions_audit_LDADD = $(FUNCTIONS_UNIT_LIBS)
%C%_test_functions_exec_SOURCES = %D%/test_functions_exec.c $(FUNCTION_RIG)
%C%_test_functions_exec_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_functions_exec_LDADD = $(FUNCTIONS_UNIT_LIBS)
%C%_test_functions_limits_SOURCES = %D%/test_functions_limits.c $(FUNCTION_RIG)
%C%_test_functions_limits_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_functions_limits_LDADD = $(FUNCTIONS_UNIT_LIBS)
%C%_test_functions_relay_SOURCES = %D%/test_functions_relay.c $(FUNCTION_RIG) \
	%D%/relay_bed.c %D%/relay_bed.h
%C%_test_functions_relay_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_functions_relay_LDADD = $(FUNCTIONS_UNIT_LIBS)
%C%_test_functions_table_SOURCES = %D%/test_functions_table.c $(FUNCTION_RIG)
%C%_test_functions_table_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_functions_table_LDADD = $(FUNCTIONS_UNIT_LIBS)
%C%_test_redirect_SOURCES = %D%/test_redirect.c
%C%_test_redirect_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_redirect_LDADD = $(FUNCTIONS_UNIT_LIBS)
