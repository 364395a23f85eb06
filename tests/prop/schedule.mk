check_PROGRAMS += %D%/prop_schedule
%C%_prop_schedule_SOURCES = %D%/prop_schedule.c
%C%_prop_schedule_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS)
TESTS += %D%/prop_schedule
