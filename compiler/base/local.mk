noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = \
	%D%/addr.c %D%/addr.h \
	%D%/arena.c %D%/arena.h \
	%D%/ctx.c %D%/ctx.h \
	%D%/diag.c %D%/diag.h \
	%D%/ids.c %D%/ids.h \
	%D%/intern.c %D%/intern.h \
	%D%/map.c %D%/map.h \
	%D%/rat.c %D%/rat.h \
	%D%/sha256.c %D%/sha256.h \
	%D%/sink.c %D%/sink.h \
	%D%/source.c %D%/source.h \
	%D%/span_json.c %D%/span_json.h \
	%D%/text.c %D%/text.h \
	%D%/vec.c %D%/vec.h
%C%_libbase_a_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS)
