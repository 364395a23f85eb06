check_PROGRAMS += %D%/prop_bridges
%C%_prop_bridges_SOURCES = %D%/prop_bridges.c
%C%_prop_bridges_LDADD = compiler/solve/libsolve.a compiler/ir/libir.a compiler/filter/libfilter.a \
	compiler/base/libbase.a $(SOLVER_LIBS)
TESTS += %D%/prop_bridges
