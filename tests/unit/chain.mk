check_PROGRAMS += %D%/test_chain
%C%_test_chain_SOURCES = %D%/test_chain.c
%C%_test_chain_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_chain_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(UNIT_LIBS)
TESTS += %D%/test_chain
