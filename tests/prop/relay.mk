check_PROGRAMS += %D%/prop_relay
%C%_prop_relay_SOURCES = %D%/prop_relay.c \
	tests/unit/relay_bed.c tests/unit/relay_bed.h \
	tests/unit/relay_functions.c tests/unit/relay_functions.h
%C%_prop_relay_LDADD = runtime/socks/libsocksd.a runtime/socks/libsockswire.a \
	runtime/core/libcore.a runtime/plan/libplanreader.a $(SOCKS_LIBS)
TESTS += %D%/prop_relay
