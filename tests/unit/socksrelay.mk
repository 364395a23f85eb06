# How the SOCKS runtime moves bytes.
RELAY_UNIT_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(UNIT_LIBS) $(SOCKS_LIBS)
RELAY_BED = %D%/relay_bed.c %D%/relay_bed.h %D%/relay_functions.c %D%/relay_functions.h

check_PROGRAMS += %D%/test_relay %D%/test_stream
TESTS += %D%/test_relay %D%/test_stream
%C%_test_relay_SOURCES = %D%/test_relay.c %D%/certificates.c %D%/certificates.h $(RELAY_BED)
%C%_test_relay_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_relay_LDADD = $(RELAY_UNIT_LIBS)
%C%_test_stream_SOURCES = %D%/test_stream.c %D%/certificates.c %D%/certificates.h $(RELAY_BED)
%C%_test_stream_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_stream_LDADD = $(RELAY_UNIT_LIBS)
