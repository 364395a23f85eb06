check_PROGRAMS += %D%/test_paper
%C%_test_paper_SOURCES = %D%/test_paper.c
%C%_test_paper_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_paper_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(UNIT_LIBS)
TESTS += %D%/test_paper
