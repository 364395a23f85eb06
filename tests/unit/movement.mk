check_PROGRAMS += %D%/test_movement
%C%_test_movement_SOURCES = %D%/test_movement.c
%C%_test_movement_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_movement_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(UNIT_LIBS)
TESTS += %D%/test_movement
