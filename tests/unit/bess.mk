check_PROGRAMS += %D%/test_bess
%C%_test_bess_SOURCES = %D%/test_bess.c
%C%_test_bess_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_bess_LDADD = compiler/plan/libplan.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(UNIT_LIBS)
TESTS += %D%/test_bess
