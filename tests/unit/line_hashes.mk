check_PROGRAMS += %D%/test_line_hashes
%C%_test_line_hashes_SOURCES = %D%/test_line_hashes.c
%C%_test_line_hashes_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_line_hashes_LDADD = compiler/tools/libtools.a compiler/base/libbase.a $(UNIT_LIBS)
TESTS += %D%/test_line_hashes
