noinst_LIBRARIES += %D%/libsolve.a
%C%_libsolve_a_SOURCES = \
	%D%/areas.c \
	%D%/bridges.c %D%/bridges.h \
	%D%/chain.c %D%/chain.h \
	%D%/choose.c %D%/choose.h \
	%D%/conflict.c %D%/conflict.h \
	%D%/cover.c %D%/cover.h \
	%D%/cut.c %D%/cut.h \
	%D%/demand.c %D%/demand.h \
	%D%/exact.c %D%/exact.h \
	%D%/leaf.c %D%/leaf.h \
	%D%/lp.h \
	%D%/net.c %D%/net.h \
	%D%/outcome.c %D%/outcome.h \
	%D%/paper.c %D%/paper.h \
	%D%/relaxed.c %D%/relaxed.h \
	%D%/schedule.c %D%/schedule_check.c %D%/scheduling.h \
	%D%/search.c %D%/search.h \
	%D%/separate.c %D%/separate.h \
	%D%/solving.h \
	%D%/stages.c %D%/stages.h \
	%D%/tree.c \
	%D%/verdict.c \
	%D%/workers.c \
	%D%/crossing.c %D%/crossing.h \
	%D%/greedy.c %D%/greedy.h \
	%D%/glpk_door.c %D%/glpk_door.h \
	%D%/joint.c %D%/joint.h \
	%D%/mip.c %D%/mip.h \
	%D%/movement.h \
	%D%/report.c \
	%D%/rules.c %D%/rules.h \
	%D%/scarce.c \
	%D%/smallest.c \
	%D%/solver.h \
	%D%/words.c %D%/words.h
