noinst_LIBRARIES += %D%/libsolve.a
%C%_libsolve_a_SOURCES = \
	%D%/areas.c \
	%D%/bridges.c %D%/bridges.h \
	%D%/chain.c %D%/chain.h \
	%D%/choose.c %D%/choose.h \
	%D%/cover.c %D%/cover.h \
	%D%/crossing.c %D%/crossing.h \
	%D%/glpk_door.c %D%/glpk_door.h \
	%D%/joint.c %D%/joint.h \
	%D%/movement.h \
	%D%/report.c \
	%D%/rules.c %D%/rules.h \
	%D%/scarce.c \
	%D%/smallest.c \
	%D%/solver.h \
	%D%/words.c %D%/words.h
