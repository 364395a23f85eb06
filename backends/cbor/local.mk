noinst_LIBRARIES += %D%/libplancbor.a
%C%_libplancbor_a_SOURCES = \
	%D%/cbor.c %D%/cbor.h \
	%D%/map.c %D%/map.h \
	%D%/out.c %D%/out.h
%C%_libplancbor_a_CFLAGS = $(AM_CFLAGS) $(CBOR_CFLAGS)
