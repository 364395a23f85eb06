# Sealing and its keys.
SOCKSCRYPTO_UNIT_TESTS = \
	%D%/test_key_broker \
	%D%/test_keyring \
	%D%/test_seal \
	%D%/test_seal_relay
SOCKSCRYPTO_UNIT_LIBS = runtime/socks/libsocksd.a runtime/socks/libsockswire.a \
	runtime/core/libcore.a runtime/plan/libplanreader.a $(UNIT_LIBS) $(SOCKS_LIBS)
SOCKSCRYPTO_PAIR = tests/prop/seal_pair.c tests/prop/seal_pair.h

check_PROGRAMS += $(SOCKSCRYPTO_UNIT_TESTS)
TESTS += $(SOCKSCRYPTO_UNIT_TESTS)
%C%_test_key_broker_SOURCES = %D%/test_key_broker.c %D%/certificates.c %D%/certificates.h \
	$(SOCKSCRYPTO_PAIR)
%C%_test_key_broker_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_key_broker_LDADD = $(SOCKSCRYPTO_UNIT_LIBS)
%C%_test_keyring_SOURCES = %D%/test_keyring.c $(SOCKSCRYPTO_PAIR)
%C%_test_keyring_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_keyring_LDADD = $(SOCKSCRYPTO_UNIT_LIBS)
%C%_test_seal_SOURCES = %D%/test_seal.c %D%/hex.h $(SOCKSCRYPTO_PAIR)
%C%_test_seal_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_seal_LDADD = $(SOCKSCRYPTO_UNIT_LIBS)
%C%_test_seal_relay_SOURCES = %D%/test_seal_relay.c %D%/relay_bed.c %D%/relay_bed.h \
	$(SOCKSCRYPTO_PAIR)
%C%_test_seal_relay_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_seal_relay_LDADD = $(SOCKSCRYPTO_UNIT_LIBS)
