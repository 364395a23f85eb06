check_PROGRAMS += %D%/test_filter
%C%_test_filter_SOURCES = %D%/test_filter.c
%C%_test_filter_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_filter_LDADD = compiler/filter/libfilter.a compiler/base/libbase.a $(UNIT_LIBS)
TESTS += %D%/test_filter
