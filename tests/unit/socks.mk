# The wire formats of SOCKS.
SOCKS_UNIT_TESTS = \
	%D%/test_socks5 \
	%D%/test_socks6 \
	%D%/test_socks_epi \
	%D%/test_socks_options \
	%D%/test_socks_tokens
SOCKS_UNIT_LIBS = runtime/socks/libsockswire.a $(UNIT_LIBS)

check_PROGRAMS += $(SOCKS_UNIT_TESTS)
TESTS += $(SOCKS_UNIT_TESTS)
%C%_test_socks5_SOURCES = %D%/test_socks5.c %D%/hex.h
%C%_test_socks5_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_socks5_LDADD = $(SOCKS_UNIT_LIBS)
%C%_test_socks6_SOURCES = %D%/test_socks6.c %D%/hex.h
%C%_test_socks6_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_socks6_LDADD = $(SOCKS_UNIT_LIBS)
%C%_test_socks_epi_SOURCES = %D%/test_socks_epi.c %D%/hex.h
%C%_test_socks_epi_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_socks_epi_LDADD = $(SOCKS_UNIT_LIBS)
%C%_test_socks_options_SOURCES = %D%/test_socks_options.c %D%/hex.h
%C%_test_socks_options_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_socks_options_LDADD = $(SOCKS_UNIT_LIBS)
%C%_test_socks_tokens_SOURCES = %D%/test_socks_tokens.c
%C%_test_socks_tokens_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_socks_tokens_LDADD = $(SOCKS_UNIT_LIBS)
