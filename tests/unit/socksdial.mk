# Names, connections and the next proxy of the SOCKS runtime.
SOCKSDIAL_UNIT_TESTS = \
	%D%/test_dial \
	%D%/test_resolve \
	%D%/test_upstream \
	%D%/test_warm
SOCKSDIAL_UNIT_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a \
	runtime/core/libcore.a runtime/plan/libplanreader.a $(UNIT_LIBS) $(SOCKS_LIBS)

check_PROGRAMS += $(SOCKSDIAL_UNIT_TESTS)
TESTS += $(SOCKSDIAL_UNIT_TESTS)
%C%_test_dial_SOURCES = %D%/test_dial.c %D%/certificates.c %D%/certificates.h %D%/loopback.h
%C%_test_dial_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_dial_LDADD = $(SOCKSDIAL_UNIT_LIBS)
%C%_test_resolve_SOURCES = %D%/test_resolve.c %D%/loopback.h
%C%_test_resolve_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_resolve_LDADD = $(SOCKSDIAL_UNIT_LIBS)
%C%_test_upstream_SOURCES = %D%/test_upstream.c %D%/hex.h
%C%_test_upstream_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_upstream_LDADD = $(SOCKSDIAL_UNIT_LIBS)
%C%_test_warm_SOURCES = %D%/test_warm.c %D%/certificates.c %D%/certificates.h %D%/loopback.h
%C%_test_warm_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_warm_LDADD = $(SOCKSDIAL_UNIT_LIBS)
