check_PROGRAMS += %D%/test_walk
%C%_test_walk_SOURCES = %D%/test_walk.c
%C%_test_walk_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_walk_LDADD = compiler/ir/libir.a compiler/filter/libfilter.a compiler/base/libbase.a \
	$(UNIT_LIBS)
TESTS += %D%/test_walk
