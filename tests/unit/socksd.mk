# The loop of the SOCKS runtime, and its limits.
SOCKSD_UNIT_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(UNIT_LIBS) $(CBOR_LIBS) $(SOCKS_LIBS)

check_PROGRAMS += %D%/test_clients %D%/test_loop
%C%_test_clients_SOURCES = %D%/test_clients.c
%C%_test_clients_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_clients_LDADD = $(SOCKSD_UNIT_LIBS)
%C%_test_loop_SOURCES = %D%/test_loop.c
%C%_test_loop_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_loop_LDADD = $(SOCKSD_UNIT_LIBS)
TESTS += %D%/test_clients %D%/test_loop
