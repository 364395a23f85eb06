noinst_LIBRARIES += %D%/libsockswire.a
%C%_libsockswire_a_SOURCES = \
	%D%/cursor.c %D%/cursor.h \
	%D%/dialect.c %D%/dialect.h \
	%D%/faults.def %D%/outcomes.def \
	%D%/reply.c %D%/reply.h \
	%D%/socks5.c %D%/socks5.h \
	%D%/socks6.c %D%/socks6.h \
	%D%/socks6_epi.c %D%/socks6_epi.h \
	%D%/socks6_options.c %D%/socks6_options.h \
	%D%/tokens.c %D%/tokens.h \
	%D%/wire.c %D%/wire.h
EXTRA_DIST += %D%/README.md
