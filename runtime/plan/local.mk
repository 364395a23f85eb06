noinst_LIBRARIES += %D%/libplanreader.a
%C%_libplanreader_a_SOURCES = \
	%D%/map.c %D%/map.h \
	%D%/plan.c %D%/plan.h \
	%D%/pool.c %D%/pool.h \
	%D%/reader.c %D%/reader.h \
	%D%/rows.c %D%/rows.h \
	%D%/token.c %D%/token.h
%C%_libplanreader_a_CFLAGS = $(AM_CFLAGS) $(CBOR_CFLAGS)
