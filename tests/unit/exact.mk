check_PROGRAMS += %D%/test_exact
%C%_test_exact_SOURCES = %D%/test_exact.c
%C%_test_exact_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_exact_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(UNIT_LIBS)
TESTS += %D%/test_exact
