# What clients say to the SOCKS runtime, who they are, and their datagrams.
SOCKSINBOUND_TESTS = \
	%D%/test_inbound \
	%D%/test_proxy_header \
	%D%/test_sessions \
	%D%/test_udp \
	%D%/test_users
SOCKSINBOUND_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(UNIT_LIBS) $(CBOR_LIBS) $(SOCKS_LIBS)

check_PROGRAMS += $(SOCKSINBOUND_TESTS)
TESTS += $(SOCKSINBOUND_TESTS)
%C%_test_inbound_SOURCES = %D%/test_inbound.c %D%/hex.h
%C%_test_inbound_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_inbound_LDADD = $(SOCKSINBOUND_LIBS)
%C%_test_proxy_header_SOURCES = %D%/test_proxy_header.c %D%/hex.h
%C%_test_proxy_header_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_proxy_header_LDADD = $(SOCKSINBOUND_LIBS)
%C%_test_sessions_SOURCES = %D%/test_sessions.c
%C%_test_sessions_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_sessions_LDADD = $(SOCKSINBOUND_LIBS)
%C%_test_udp_SOURCES = %D%/test_udp.c %D%/hex.h
%C%_test_udp_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_udp_LDADD = $(SOCKSINBOUND_LIBS)
%C%_test_users_SOURCES = %D%/test_users.c
%C%_test_users_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_users_LDADD = $(SOCKSINBOUND_LIBS)
