check_PROGRAMS += %D%/test_schedule_check
%C%_test_schedule_check_SOURCES = %D%/test_schedule_check.c
%C%_test_schedule_check_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_schedule_check_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(UNIT_LIBS)
TESTS += %D%/test_schedule_check
