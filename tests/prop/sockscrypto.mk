check_PROGRAMS += %D%/prop_seal
%C%_prop_seal_SOURCES = %D%/prop_seal.c %D%/seal_pair.c %D%/seal_pair.h
%C%_prop_seal_LDADD = runtime/socks/libsocksd.a runtime/socks/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(SOCKS_LIBS)
TESTS += %D%/prop_seal
